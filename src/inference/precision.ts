import type { Network } from './network.ts';
import type { EngineModel } from './protocol.ts';
import type { Variant } from './variant.ts';

/**
 * Whether 8 bits pay on this machine: one tile in 8 bits and in full precision. Processors without instructions for it gain
 * nothing, and some add up in 16 bits and overflow, which shows as a picture that is another.
 */

const SIDE = 64;
/** Less gain is not worth the difference to the eye that may be. */
const LEAST_GAIN = 1.3;
const LEAST_DECIBELS = 30;
/** A fast network is looked at this often, as its tile is short and a machine busy; a slow one only again if it seems a loss. */
const ROUNDS = 8;
const PATIENCE_MS = 500;

/** Why full precision stands in, for people; null where 8 bits are used. */
export type Verdict = string | null;
export type Verdicts = Readonly<Record<string, Verdict>>;

type Judging = Pick<Network, 'run' | 'whileIdle' | 'provider'>;

export class PrecisionJudge {
  readonly #network: Judging;
  readonly #models: readonly EngineModel[];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #underWay = new Map<string, Promise<Verdict>>();

  /** @param known - verdicts of an engine before this one on the same device. */
  constructor(network: Judging, models: readonly EngineModel[], known: Verdicts) {
    this.#network = network;
    this.#models = models;
    for (const [name, verdict] of Object.entries(known)) this.#verdicts.set(name, verdict);
  }

  get verdicts(): Verdicts {
    return Object.fromEntries(this.#verdicts);
  }

  /** The network that really runs for `model`: itself, or the same one in full precision. */
  async choose(model: EngineModel): Promise<EngineModel> {
    const full = standIn(model, this.#models);
    if (full === undefined) return model;
    let judging = this.#underWay.get(model.name);
    if (judging === undefined) {
      judging = this.#judge(model, full);
      this.#underWay.set(model.name, judging);
      judging.catch(() => this.#underWay.delete(model.name));
    }
    return (await judging) === null ? model : full;
  }

  async #judge(model: EngineModel, full: EngineModel): Promise<Verdict> {
    const known = this.#verdicts.get(model.name);
    if (known !== undefined) return known;
    const { provider } = this.#network;
    const verdict =
      provider === 'cpu'
        ? await this.#network.whileIdle(() => compare(this.#network, model, full))
        : `8 bits are for processors and this is ${provider}`;
    this.#verdicts.set(model.name, verdict);
    return verdict;
  }
}

export const standIn = ({ fullPrecision }: EngineModel, models: readonly EngineModel[]): EngineModel | undefined =>
  fullPrecision === undefined ? undefined : models.find(({ name }) => name === fullPrecision);

async function compare(network: Judging, model: EngineModel, full: EngineModel): Promise<Verdict> {
  const [eight, exact] = [await runTile(network, model), await runTile(network, full)];
  const decibels = likeness(eight.pixels, exact.pixels);
  if (decibels < LEAST_DECIBELS) return `in 8 bits its picture is another here (${decibels.toFixed(1)} dB)`;
  let [eightMs, exactMs] = [eight.cpuMs, exact.cpuMs];
  // Two engines on one machine must come to the same verdict, or a photo that is done again would be another: so the processor's
  // time counts, which hardly depends on what else runs, and the best of each.
  for (let rounds = 1; rounds < ROUNDS; rounds += 1) {
    const cheap = (eightMs + exactMs) * rounds < PATIENCE_MS;
    if (!cheap && (rounds > 1 || exactMs / eightMs >= LEAST_GAIN)) break;
    eightMs = Math.min(eightMs, (await runTile(network, model)).cpuMs);
    exactMs = Math.min(exactMs, (await runTile(network, full)).cpuMs);
  }
  const gain = exactMs / eightMs;
  return gain < LEAST_GAIN ? `8 bits are only ${gain.toFixed(2)} times as fast here` : null;
}

function runTile(network: Judging, model: EngineModel) {
  const variant: Variant = { model, depth: 8, share: null };
  return network.run(variant, { pixels: testTile(), width: SIDE, height: SIDE });
}

/** Slopes, edges and grain: an even tile would agree in any arithmetic. */
function testTile(): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  let noise = 1;
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [Math.floor(at / 3) % SIDE, Math.floor(at / 3 / SIDE)];
    noise = (noise * 1_103_515_245 + 12_345) % 2 ** 31;
    const edge = (x - 40) ** 2 + (y - 24) ** 2 < 200 ? 120 : 0;
    pixels[at] = Math.min(255, x + y + edge + ((noise >> 16) % 12));
  }
  return pixels;
}

/** Peak signal-to-noise ratio in decibels; infinite for equal pictures. */
function likeness(some: ArrayLike<number>, others: ArrayLike<number>): number {
  let squares = 0;
  for (let at = 0; at < some.length; at += 1) squares += ((some[at] ?? 0) - (others[at] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / some.length));
}
