import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { bytesWithTile, DEVICE_SHARE, tileWithin } from './memory-model.ts';
import type {
  GraphRequest,
  NamedFloats,
  NetworkAnswer,
  NetworkTile,
  Opened,
  Precision,
  SessionRequest,
  TileRequest,
} from './network-requests.ts';
import type { EngineModel, EngineSettings } from './protocol.ts';
import { ResidentSessions } from './resident-sessions.ts';
import { Speeds } from './speeds.ts';
import { ThreadLines } from './thread-lines.ts';
import { fixedWindows, tileCeiling, windowsOn, type Depth, type Samples, type Windows } from './tiles.ts';
import { graphOf, type Variant } from './variant.ts';

export type { NetworkTile, TileRequest } from './network-requests.ts';

/**
 * The engine's main thread's side of the network: sessions that stay in memory, tiles in, tiles out, one photo's turn at a time.
 * Longer than other files: sessions, turns and cores together decide where the next request goes.
 */

/** A graph of floats that is no network of tiles, such as a face detector. */
export interface OtherGraph {
  readonly name: string;
  readonly path: string;
  /** What it takes in memory while it runs. */
  readonly memoryBytes: number;
}

/** Graphics processors, which multiply half floats several times as fast; a processor would only convert them back and forth. */
const HALF_PROVIDERS = new Set(['cuda', 'tensorrt', 'webgpu', 'coreml', 'dml']);

/** A network is opened once more for every line only where that, with a tile, takes no more than this of what sessions may. */
const COPY_SHARE = 1 / 8;

export class Network {
  readonly #settings: EngineSettings;
  readonly #lines: ThreadLines;
  readonly #sessions: ResidentSessions;
  readonly #measured = new Map<string, number>();
  readonly #speeds = new Speeds();
  readonly #digests = new Map<string, Promise<string>>();
  #provider = 'cpu';
  #deviceMemoryBytes: number | null = null;
  #precision: Precision = 'full';
  #turn: Promise<void> = Promise.resolve();
  #networkMs = 0;

  /** @param onCrash - the thread is gone, and with it the engine's use. */
  constructor(settings: EngineSettings, onCrash: (error: unknown) => void) {
    this.#settings = settings;
    this.#lines = new ThreadLines(settings.threads, onCrash);
    this.#sessions = new ResidentSessions(settings.sessionBudgetBytes, (key) => this.#lines.close(key));
  }

  get provider(): string {
    return this.#provider;
  }

  /** How photos are cut for it. */
  get windows(): Windows {
    return this.#settings.windows ?? windowsOn(this.#provider);
  }

  /** Whether it has nothing to do. */
  get isIdle(): boolean {
    return this.#lines.isIdle;
  }

  /** Tiles that it runs side by side, each on a part of the cores: as many as have the memory for a session of their own. */
  linesFor({ model, share }: Variant): number {
    // To mix weights takes each as long as a photo.
    if (this.#provider !== 'cpu' || share !== null) return 1;
    return bytesWithTile(model, this.#tile) <= this.#settings.sessionBudgetBytes * COPY_SHARE ? this.#lines.count : 1;
  }

  /** Of the arithmetic for a photo of this depth. */
  precisionFor(depth: Depth): Precision {
    return depth === 8 ? this.#precision : 'full';
  }

  get resident(): string[] {
    return this.#sessions.keys;
  }

  /** Time spent in networks since the start. */
  get networkMs(): number {
    return this.#networkMs;
  }

  /** Memory a window's pixel took when each model was opened, in bytes; as far as this process can see it. */
  get measured(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#measured);
  }

  /** Milliseconds of the network for a pixel of a window, by model. */
  get speeds(): Readonly<Record<string, number>> {
    return this.#speeds.figures;
  }

  /**
   * Switches to a provider by opening `model` on it, in half floats where it is a graphics processor's and takes them.
   * @param deviceMemoryBytes - null where nobody says.
   * @returns why it does not take them; nothing where there is nothing to say.
   * @throws anything when it is not usable.
   */
  async tryProvider(
    provider: string,
    model: EngineModel,
    deviceMemoryBytes: number | null,
  ): Promise<string | undefined> {
    const variant: Variant = { model, depth: 8, share: null };
    this.#provider = provider;
    this.#deviceMemoryBytes = deviceMemoryBytes;
    this.#precision = HALF_PROVIDERS.has(provider) ? 'half' : 'full';
    try {
      await this.open(variant);
      return undefined;
    } catch (error) {
      if (this.#precision === 'full') throw error;
      this.#precision = 'full';
      await this.open(variant);
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Makes the variant's session resident, if need be at the cost of the one unused for longest. */
  open(variant: Variant): Promise<void> {
    const graph = graphOf(variant);
    const lines = this.linesFor(variant);
    const sessions = lines > 1 ? lines + 1 : 1;
    const baseBytes = variant.model.memory.baseBytes * sessions;
    const bytesPerWindowPixel = variant.model.memory.bytesPerWindowPixel * sessions;
    const neededBytes = lines > 1 ? sessions * bytesWithTile(variant.model, this.#tile) : baseBytes;
    return this.#sessions.open(graph.key, neededBytes, async () => {
      await this.#lines.untilIdle(); // memory and time are measured
      const { opened } = await this.#lines.ask({
        kind: 'open',
        session: this.#sessionOf(variant),
        windows: this.#windowsOf(variant.model),
      });
      if (opened === undefined) throw new Error('Expected the network thread to answer that it opened the model');
      this.#learn(variant, opened);
      this.#speeds.opened(variant.model.name, opened.msPerPixel, opened.timedPixels);
      return { baseBytes, bytesPerWindowPixel, windowPixels: 0, msPerPixel: opened.msPerPixel };
    });
  }

  /** SHA-256 of an installed graph: what upstream's weights became may change with our converter. */
  digestOf(graphPath: string): Promise<string> {
    const known = this.#digests.get(graphPath);
    if (known !== undefined) return known;
    const digest = readFile(graphPath).then((graph) => createHash('sha256').update(graph).digest('hex'));
    this.#digests.set(graphPath, digest);
    return digest;
  }

  /** Milliseconds of the device that a tile of this many window pixels should take. */
  expectMs(variant: Variant, windowPixels: number): number {
    return (this.#sessions.get(graphOf(variant).key)?.msPerPixel ?? 0) * windowPixels;
  }

  /**
   * @param how.room - shared memory for just the samples of the answer, which are the very same: whoever lent it knows them by it.
   * @param how.beside - others run beside it, each on a part of the cores; else it has all of them.
   * @throws DarkroomError `out_of_memory`, `engine_crashed`.
   */
  async run(
    variant: Variant,
    tile: TileRequest,
    how: { room?: Samples | undefined; beside?: boolean } = {},
  ): Promise<NetworkTile> {
    const { key } = graphOf(variant);
    const resident = await this.#sessions.getOrOpen(key, () => this.open(variant));
    const windowPixels = tile.width * tile.height;
    resident.windowPixels = Math.max(resident.windowPixels, windowPixels);
    const { room, beside = false } = how;
    const request = { kind: 'run', key, scale: variant.model.scale, room, ...tile } as const;
    const answer = await this.#finish(
      beside ? this.#lines.runBeside(request, this.#sessionOf(variant)) : this.#lines.ask(request),
    );
    resident.msPerPixel = answer.ms / windowPixels;
    this.#speeds.ran(variant.model.name, answer.ms, windowPixels);
    return room === undefined ? answer : { ...answer, pixels: room };
  }

  /** Once more, on the safest settings; for answers that cannot be right. */
  runCautiously(variant: Variant, tile: TileRequest): Promise<NetworkTile> {
    return this.#finish(this.#lines.ask({ kind: 'runCautiously', session: this.#sessionOf(variant), ...tile }));
  }

  /** Runs a graph of floats, which is made resident like the networks; between two tiles on all cores, in the order of asking. */
  async runOther(graph: OtherGraph, inputs: NamedFloats): Promise<NamedFloats> {
    const key = graph.name;
    const open = (): Promise<void> =>
      this.#sessions.open(key, graph.memoryBytes, async () => {
        await this.#lines.ask({
          kind: 'openOther',
          session: this.#session({ key, path: graph.path, depth: 8 }, 1, 'full'),
        });
        return { baseBytes: graph.memoryBytes, bytesPerWindowPixel: 0, windowPixels: 0, msPerPixel: 0 };
      });
    await this.#sessions.getOrOpen(key, open);
    const { outputs } = await this.#lines.ask({ kind: 'runOther', key, inputs });
    if (outputs === undefined) throw new Error('Expected outputs from the network thread');
    return outputs;
  }

  /**
   * Waits until the photos before have handed in their last tile. Call the returned function as soon as this photo has
   * done so: its last tiles are still computed while the next photo's first are queued, and the device never waits.
   */
  async takeTurn(): Promise<() => void> {
    const before = this.#turn;
    return await new Promise<() => void>((granted) => {
      this.#turn = new Promise((passOn) => {
        void before.then(() => granted(passOn));
      });
    });
  }

  /** Does work while nothing else is with the network, and photos wait for their turn. */
  async whileIdle<T>(work: () => Promise<T>): Promise<T> {
    const passOn = await this.takeTurn();
    try {
      await this.#lines.untilIdle();
      return await work();
    } finally {
      passOn();
    }
  }

  async #finish(running: Promise<NetworkAnswer>): Promise<NetworkTile> {
    const { tile } = await running;
    if (tile === undefined) throw new Error('Expected a tile from the network thread');
    this.#networkMs += tile.ms;
    return tile;
  }

  /** That most photos ask for. */
  get #tile(): number {
    return tileCeiling(this.windows, this.#settings.tileSize);
  }

  /** Those of that tile. */
  #windowsOf(model: EngineModel): number[] {
    if (this.windows === 'fitted') return [];
    const budget = (this.#deviceMemoryBytes ?? Infinity) * DEVICE_SHARE;
    return fixedWindows(tileWithin(model, this.#tile, budget), model.overlap.pixels);
  }

  #sessionOf(variant: Variant): SessionRequest {
    return this.#session(graphOf(variant), variant.model.scale, this.precisionFor(variant.depth));
  }

  #session(graph: GraphRequest, scale: number, precision: Precision): SessionRequest {
    const { deviceId, threads } = this.#settings;
    return { graph, precision, scale, provider: this.#provider, deviceId, threads };
  }

  /** What a window's pixel takes cannot be far from what the catalogue says; a neighbour's decoding may have been measured too. */
  #learn({ model }: Variant, { bytesPerWindowPixel }: Opened): void {
    if (this.#provider !== 'cpu' || this.#measured.has(model.name)) return;
    const known = model.memory.bytesPerWindowPixel;
    this.#measured.set(model.name, Math.min(known * 2, Math.max(known / 2, bytesPerWindowPixel)));
  }
}
