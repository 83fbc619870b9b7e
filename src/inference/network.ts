import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { DarkroomError } from '../contracts/errors.ts';
import type { EngineModel, EngineSettings } from './protocol.ts';

/** The engine's main thread's side of the network: sessions that stay in memory, tiles in, tiles out, one photo's turn at a time. */

export interface SessionRequest {
  readonly model: string;
  readonly graphPath: string;
  readonly scale: number;
  readonly provider: string;
  readonly deviceId: number;
  readonly threads: number;
}

interface TileRequest {
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

type Request =
  | { readonly kind: 'open'; readonly session: SessionRequest }
  | { readonly kind: 'close'; readonly model: string }
  | ({ readonly kind: 'run'; readonly model: string; readonly scale: number } & TileRequest)
  | ({ readonly kind: 'runCautiously'; readonly session: SessionRequest } & TileRequest);
export type NetworkRequest = Request & { readonly id: number };

export interface NetworkAnswer {
  readonly id: number;
  readonly opened?: { readonly msPerPixel: number };
  readonly tile?: NetworkTile;
  readonly error?: string;
}

export interface NetworkTile {
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly ms: number;
}

interface Resident {
  readonly model: EngineModel;
  /** Largest window run so far: the runtime's arena keeps what that took. */
  windowPixels: number;
  msPerPixel: number;
}

const memoryOf = ({ model, windowPixels }: Resident): number =>
  model.memory.baseBytes + model.memory.bytesPerWindowPixel * windowPixels;

/** What onnxruntime and the device drivers say when memory is short. */
const OUT_OF_MEMORY = /failed to allocate memory|bad_alloc|bad allocation|out of memory|alloc_failed|e_outofmemory/i;

export class Network {
  readonly #settings: EngineSettings;
  readonly #thread = new Worker(new URL('./network-thread.js', import.meta.url));
  readonly #answers = new Map<number, (answer: NetworkAnswer) => void>();
  /** In order of use, the most recent last. */
  readonly #residents = new Map<string, Resident>();
  readonly #digests = new Map<string, Promise<string>>();
  #provider = 'cpu';
  #nextId = 1;
  #turn: Promise<void> = Promise.resolve();
  #networkMs = 0;

  /** @param onCrash - the thread is gone, and with it the engine's use. */
  constructor(settings: EngineSettings, onCrash: (error: unknown) => void) {
    this.#settings = settings;
    this.#thread.on('message', (answer: NetworkAnswer) => this.#answers.get(answer.id)?.(answer));
    this.#thread.on('error', onCrash);
    this.#thread.on('exit', (code) => onCrash(new Error(`The network thread ended with code ${code}`)));
  }

  get provider(): string {
    return this.#provider;
  }

  get resident(): string[] {
    return [...this.#residents.keys()];
  }

  /** Time spent in networks since the start. */
  get networkMs(): number {
    return this.#networkMs;
  }

  /** Switches to a provider by opening `model` on it; throws (anything) when it is not usable. */
  async tryProvider(provider: string, model: EngineModel): Promise<void> {
    this.#provider = provider;
    await this.open(model);
  }

  /** Makes the model's session resident, if need be at the cost of the one unused for longest. */
  async open(model: EngineModel): Promise<void> {
    const known = this.#residents.get(model.name);
    if (known !== undefined) {
      this.#residents.delete(model.name);
      this.#residents.set(model.name, known);
      return;
    }
    await this.#makeRoomFor(model);
    const { opened } = await this.#ask({ kind: 'open', session: this.#sessionOf(model) });
    if (opened === undefined) throw new Error('Expected the network thread to answer that it opened the model');
    this.#residents.set(model.name, { model, windowPixels: 0, msPerPixel: opened.msPerPixel });
  }

  /** SHA-256 of the model's graph: what upstream's weights became may change with our converter. */
  digestOf({ graphPath }: EngineModel): Promise<string> {
    const known = this.#digests.get(graphPath);
    if (known !== undefined) return known;
    const digest = readFile(graphPath).then((graph) => createHash('sha256').update(graph).digest('hex'));
    this.#digests.set(graphPath, digest);
    return digest;
  }

  /** Milliseconds a tile of this many window pixels should take. */
  expectMs(model: EngineModel, windowPixels: number): number {
    return (this.#residents.get(model.name)?.msPerPixel ?? 0) * windowPixels;
  }

  /** @throws DarkroomError `out_of_memory`. */
  async run(model: EngineModel, tile: TileRequest): Promise<NetworkTile> {
    const resident = this.#residents.get(model.name);
    if (resident === undefined) throw new Error(`Expected ${model.name} to be resident`);
    const windowPixels = tile.width * tile.height;
    resident.windowPixels = Math.max(resident.windowPixels, windowPixels);
    const answer = await this.#runTile({ kind: 'run', model: model.name, scale: model.scale, ...tile });
    resident.msPerPixel = answer.ms / windowPixels;
    return answer;
  }

  /** Once more, on the safest settings; for answers that cannot be right. */
  runCautiously(model: EngineModel, tile: TileRequest): Promise<NetworkTile> {
    return this.#runTile({ kind: 'runCautiously', session: this.#sessionOf(model), ...tile });
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

  async #runTile(request: Request & TileRequest): Promise<NetworkTile> {
    const { tile } = await this.#ask(request);
    if (tile === undefined) throw new Error('Expected a tile from the network thread');
    this.#networkMs += tile.ms;
    return tile;
  }

  #sessionOf(model: EngineModel): SessionRequest {
    const { deviceId, threads } = this.#settings;
    const { name, graphPath, scale } = model;
    return { model: name, graphPath, scale, provider: this.#provider, deviceId, threads };
  }

  async #makeRoomFor(model: EngineModel): Promise<void> {
    for (const [name] of this.#residents) {
      const used = [...this.#residents.values()].reduce((sum, resident) => sum + memoryOf(resident), 0);
      if (used + model.memory.baseBytes <= this.#settings.sessionBudgetBytes) return;
      this.#residents.delete(name);
      await this.#ask({ kind: 'close', model: name });
    }
  }

  async #ask(request: Request): Promise<NetworkAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = await new Promise<NetworkAnswer>((resolve) => {
      this.#answers.set(id, resolve);
      this.#thread.postMessage({ ...request, id } satisfies NetworkRequest, []);
    });
    this.#answers.delete(id);
    if (answer.error === undefined) return answer;
    const cause = new Error(answer.error);
    if (OUT_OF_MEMORY.test(answer.error)) throw new DarkroomError('out_of_memory', undefined, { cause });
    throw cause;
  }
}
