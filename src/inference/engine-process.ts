import sharp from 'sharp';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import { BLOCKED_LOADERS } from '../contracts/photo-format.ts';
import { Network } from './network.ts';
import { enhancePhoto } from './photo-job.ts';
import { PhotoRoom } from './photo-room.ts';
import { isCrowd, photosAtOnce } from './photos-at-once.ts';
import { whyUnusable } from './provider-fault.ts';
import { parseToEngine, type EngineSettings, type Fault, type FromEngine, type ToEngine } from './protocol.ts';
import { PrecisionJudge, standIn } from './precision.ts';
import { readDeviceMemory, readMemory } from './host-limits.ts';
import { SpareSamples } from './spare-samples.ts';

/**
 * The program of an engine's process. Its parent decides when it ends; it only makes sure that it never outlives it.
 * This thread decodes, cuts, composes and encodes; the network runs in threads of its own.
 */

const PULSE_MS = 200;

const send = (message: FromEngine): void => {
  process.send?.(message);
};

/** Ends at once, whatever native code is running; an orderly exit would wait for the network. */
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

process.on('disconnect', die);
// Ctrl-C reaches the whole process group; the parent finishes or aborts photos first and then ends the engine.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

// One picture is one thread's work here: the cores belong to the network.
sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: BLOCKED_LOADERS });

const faultOf = (thrown: unknown): Fault => {
  const { code, message, cause } = asDarkroomError(thrown);
  const source = cause ?? thrown;
  return { code, message, detail: source instanceof Error ? (source.stack ?? source.message) : String(source) };
};

class Engine {
  readonly #settings: EngineSettings;
  readonly #network: Network;
  readonly #precision: PrecisionJudge;
  readonly #jobs = new Map<number, AbortController>();
  readonly #spare = new SpareSamples();
  /** Two photos have always fitted; more than that share what there is. */
  #room = new PhotoRoom(Infinity);
  /** Of its device; null on a CPU, and where nobody says. */
  #deviceMemoryBytes: number | null = null;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#network = new Network(settings, (error) => {
      throw error;
    });
    this.#precision = new PrecisionJudge(this.#network, settings.models, settings.verdicts);
  }

  async start(): Promise<void> {
    const notes = await this.#chooseProvider();
    this.#pulse();
    setInterval(() => this.#pulse(), PULSE_MS);
    const device = this.#network.provider;
    const { threads, photosBudgetBytes } = this.#settings;
    if (isCrowd(photosAtOnce(device, threads, this.#settings.photosAtOnce)))
      this.#room = new PhotoRoom(photosBudgetBytes);
    // Where a shape takes seconds, no photo waits for them; else the others are opened while there is nothing to do.
    if (this.#network.windows === 'fixed') await this.#warmOthers();
    send({ type: 'ready', device, deviceMemoryBytes: this.#deviceMemoryBytes, notes });
    await this.#warmOthers();
  }

  /** Only while there is nothing to do: a photo that is here comes first, and opens what it needs itself. */
  async #warmOthers(): Promise<void> {
    for (const name of this.#settings.warm) {
      const model = this.#settings.models.find((candidate) => candidate.name === name);
      if (model === undefined) continue;
      if (this.#jobs.size > 0) return;
      await this.#network.open({ model: await this.#precision.choose(model), depth: 8, share: null });
      this.#pulse();
    }
  }

  /** The first usable provider; what was wrong with those before it is told. */
  async #chooseProvider(): Promise<string[]> {
    const { models, warm, providers } = this.#settings;
    const model = models.find(({ name }) => name === warm[0]) ?? models[0];
    if (model === undefined) throw new DarkroomError('model_missing');
    const notes: string[] = [];
    let cause: unknown;
    for (const provider of providers) {
      send({ type: 'trying', provider });
      try {
        // 8 bits are for processors: elsewhere they might fail for that, and the device be given up.
        const first = provider === 'cpu' ? model : (standIn(model, models) ?? model);
        this.#deviceMemoryBytes = provider === 'cpu' ? null : await readDeviceMemory(this.#settings.deviceId);
        const noHalves = await this.#network.tryProvider(provider, first, this.#deviceMemoryBytes);
        if (noHalves !== undefined) notes.push(`${provider} takes no half floats here: ${noHalves}`);
        return notes;
      } catch (error) {
        cause = error;
        const words = error instanceof Error ? error.message : String(error);
        notes.push(`${provider} is not usable: ${whyUnusable(words)}`);
      }
    }
    if (providers.at(-1) !== 'cpu')
      throw new DarkroomError('internal', `No execution provider works: ${notes.join('; ')}.`);
    throw new DarkroomError('model_corrupt', `The model ${model.name} cannot be loaded.`, { cause });
  }

  async enhance({ id, job, tileSize }: Extract<ToEngine, { type: 'enhance' }>): Promise<void> {
    const abort = new AbortController();
    this.#jobs.set(id, abort);
    const settings = this.#settings;
    const network = this.#network;
    const precision = this.#precision;
    const room = this.#room;
    const spare = this.#spare;
    try {
      const report = (step: Extract<FromEngine, { type: 'step' }>['step']): void => send({ type: 'step', id, step });
      const photo = await enhancePhoto({
        settings,
        network,
        precision,
        room,
        spare,
        job,
        tileSize,
        signal: abort.signal,
        report,
      });
      this.#pulse();
      send({ type: 'done', id, photo });
    } catch (error) {
      send(abort.signal.aborted ? { type: 'cancelled', id } : { type: 'failed', id, fault: faultOf(error) });
    } finally {
      this.#jobs.delete(id);
    }
  }

  cancel(id: number): void {
    this.#jobs.get(id)?.abort();
  }

  #pulse(): void {
    const { networkMs, resident, measured, speeds } = this.#network;
    const { verdicts } = this.#precision;
    send({ type: 'pulse', memoryBytes: readMemory(), networkMs, resident, measured, speeds, verdicts });
  }
}

let engine: Engine | undefined;

async function obey(message: ToEngine): Promise<void> {
  switch (message.type) {
    case 'start':
      engine = new Engine(message.settings);
      return engine.start();
    case 'enhance':
      return engine?.enhance(message);
    case 'cancel':
      return engine?.cancel(message.id);
  }
}

process.on('message', (message) => {
  obey(parseToEngine(message)).catch((error: unknown) => send({ type: 'unusable', fault: faultOf(error) }));
});
