/** What the rest of the house knows of inference: jobs go in, files come out. Knows neither Temporal nor HTTP. */

import type { EnhanceOptions } from '../contracts/options.ts';
import type { NetworkReport } from '../contracts/worker-report.ts';
import type { Making } from '../contracts/recipe.ts';

export type { InstalledFaceModel } from '../models/face-models.ts';
export type { InstalledModel } from '../models/installed-models.ts';

export interface EnhanceJob {
  /** The original; read only. */
  readonly inputPath: string;
  /** A directory of this job alone, for its owner to remove. The result is written into it; finished tiles are kept in it when `checkpoint` is set. */
  readonly scratchDir: string;
  readonly model: string;
  /** What was asked for. `quality` has become `model` by now; `tileSize` is a ceiling, in pixels of the photo. */
  readonly options: EnhanceOptions;
  /** Keep finished tiles in `scratchDir`, beside the result too, and use those that an earlier attempt left there. */
  readonly checkpoint: boolean;
}

export interface EngineProgress {
  readonly stage: 'waiting' | 'decoding' | 'enhancing' | 'encoding';
  readonly tilesDone: number;
  readonly tilesTotal: number;
}

/** The finished file and what was learnt on the way. */
export interface EnhancedPhoto {
  readonly path: string;
  readonly contentType: string;
  /** With the dot, lower case. */
  readonly extension: string;
  readonly width: number;
  readonly height: number;
  readonly original: { readonly width: number; readonly height: number; readonly format: string };
  readonly timings: {
    readonly decodeMs: number;
    readonly networkMs: number;
    readonly encodeMs: number;
    readonly totalMs: number;
  };
  readonly tiles: number;
  /** Tiles taken over from an interrupted attempt instead of being computed. */
  readonly tilesReused: number;
  /** The tile side that was really used: the option, or less where memory is short. */
  readonly tileSize: number;
  /** The network that ran: the job's, or the same one in full precision where 8 bits are no gain. */
  readonly model: string;
  /** Execution provider the network ran on. */
  readonly device: string;
  /** How it was made, for its recipe. */
  readonly making: Making;
  readonly warnings: readonly string[];
}

/** What a dry run must know of a network. */
export type NetworkStatus = Omit<NetworkReport, 'serves'>;

export interface Substitute {
  readonly model: string;
  readonly by: string;
  /** Half a sentence. */
  readonly because: string;
}

export interface EngineStatus {
  readonly state: 'starting' | 'ready' | 'failed';
  /** Execution provider in use: `cpu`, `cuda`, … */
  readonly device: string;
  readonly lanes: number;
  /** Photos that are worked on at a time, on all lanes. */
  readonly slots: number;
  /** Names of the models whose sessions are in memory. */
  readonly resident: readonly string[];
  readonly memoryBytes: number | null;
  /** What is known of every network that can be asked for, as measured here where it was. */
  readonly networks: readonly NetworkStatus[];
  /** Networks that are not run as asked for here, and what runs in their place. */
  readonly substitutes: readonly Substitute[];
  /** Milliseconds of network time since the start: the rate of it is how busy the device is. */
  readonly networkMsTotal: number;
  readonly restarts: number;
  /** Process IDs of the engines that run now. */
  readonly pids: readonly number[];
}

/** How many photos engines have a use for. */
export interface Demand {
  /** Photos that there may be at a time at most. */
  readonly places: number;
  /** Photos that would be worked on at once, or soon, besides those that are here. */
  wanted(): number;
  /** @param listener - called whenever that may have changed. */
  onChange(listener: () => void): void;
}

/** A photo's way through a worker. */
export interface Stay {
  /** It goes to the engines now. */
  arrive(): void;
  /** It is settled, whether it has arrived or not. */
  end(): void;
}

/** Resident engines, one child process a device. */
export interface EnginePool {
  /** Resolves when every engine has run its warm-up tile; rejects when none can. */
  ready(): Promise<void>;
  /**
   * Enhances one photo. Jobs beyond the lanes wait; decode and encode of one overlap the network of another.
   * @throws DarkroomError with a code of the error table; an aborted signal rejects with its reason within a second,
   *   when the work has really ended.
   */
  enhance(
    job: EnhanceJob,
    options: { signal: AbortSignal; onProgress: (progress: EngineProgress) => void },
  ): Promise<EnhancedPhoto>;
  status(): EngineStatus;
  /** Absent: as many as there are slots, at any time. */
  readonly demand?: Demand;
  /** Ends the child processes. Jobs under way are aborted. */
  close(): Promise<void>;
}
