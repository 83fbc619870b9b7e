import type { Depth, OwnSamples, Samples } from './tiles.ts';

/** What the engine's main thread asks of the threads that own sessions of the runtime, and what those answer. */

export interface NetworkThreadSettings {
  /** Priority that the thread takes where its sessions are on a processor, as the system counts: a higher number gives way. */
  readonly niceness: number;
}

/** One graph as it is run: an installed one, or one made from it. */
export interface GraphRequest {
  /** Tells sessions apart. */
  readonly key: string;
  readonly path: string;
  readonly depth: Depth;
  /** Weights are mixed with those of this graph; `share` is that of the graph at `path`. */
  readonly blend?: { readonly path: string; readonly share: number };
}

/** Of the arithmetic: 16-bit floats, or 32-bit ones (and what an installed graph in 8 bits has). */
export type Precision = 'half' | 'full';

export interface SessionRequest {
  readonly graph: GraphRequest;
  readonly precision: Precision;
  readonly scale: number;
  readonly provider: string;
  readonly deviceId: number;
  readonly threads: number;
}

export interface TileRequest {
  readonly pixels: OwnSamples;
  readonly width: number;
  readonly height: number;
}

/** Any tensor of floats by its name in the graph. */
export interface Floats {
  readonly data: Float32Array<ArrayBuffer>;
  readonly dims: readonly number[];
}
export type NamedFloats = Readonly<Record<string, Floats>>;

export type Request =
  /** `windows`: sides of those that it will be run on, to be met now; none: any. */
  | { readonly kind: 'open'; readonly session: SessionRequest; readonly windows: readonly number[] }
  /** A graph that is no network of tiles: any inputs and outputs, not run beforehand. */
  | { readonly kind: 'openOther'; readonly session: SessionRequest }
  | { readonly kind: 'close'; readonly key: string }
  /**
   * `room`: shared memory for just the samples of the answer; without it they get memory of their own. `session`: what to open where
   * none has this key.
   */
  | ({
      readonly kind: 'run';
      readonly key: string;
      readonly scale: number;
      readonly room: Samples | undefined;
      readonly session?: SessionRequest;
    } & TileRequest)
  | ({ readonly kind: 'runCautiously'; readonly session: SessionRequest } & TileRequest)
  | { readonly kind: 'runOther'; readonly key: string; readonly inputs: NamedFloats };
export type NetworkRequest = Request & { readonly id: number };

export interface Opened {
  readonly msPerPixel: number;
  /** Of the window that was timed. */
  readonly timedPixels: number;
  /** Memory that running took for each pixel of the window, in bytes. */
  readonly bytesPerWindowPixel: number;
}

export interface NetworkAnswer {
  readonly id: number;
  readonly opened?: Opened;
  readonly tile?: NetworkTile;
  readonly outputs?: NamedFloats;
  readonly error?: string;
}

export interface NetworkTile {
  readonly pixels: Samples;
  /** Of the device: on a part of its cores, that part of the clock's time. */
  readonly ms: number;
  /** Of all the engine's threads: a crowded machine lengthens it much less than the clock's time. */
  readonly cpuMs: number;
}
