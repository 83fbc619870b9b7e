import { join } from 'node:path';
import { setInterval } from 'node:timers';
import type { Logger } from 'pino';
import type { UploadRecord } from '../../contracts/http-uploads.ts';
import { Neighbours } from '../../storage/neighbours.ts';
import type { Claim } from '../../storage/upload-paths.ts';
import { UploadShelf } from '../../storage/upload-shelf.ts';
import { Slots } from './slots.ts';
import { UploadLocks } from './upload-locks.ts';
import { WaitingUploads } from './waiting-uploads.ts';

interface RoomParts {
  readonly directory: string;
  readonly maxConcurrent: number;
  readonly expiryMs: number;
  readonly clock: () => number;
  readonly logger: Logger;
  /** Whether the batch or addition that uploads were claimed for exists. */
  readonly isTaken: (claim: Claim) => Promise<boolean>;
}

const SWEEP_EVERY_MS = 600_000;
/** Nothing takes this long from its claim to its end: what has not come about by then never will. */
const CLAIM_MS = 3_600_000;
const SILENT = 'other processes cannot see that this one uses the uploads';

/** Resumable uploads of this server: where they lie, who writes them, how many come in, and when they are swept. */
export class UploadRoom {
  readonly shelf: UploadShelf;
  readonly locks = new UploadLocks();
  readonly waiting = new WaitingUploads();
  readonly slots: Slots;
  readonly expiryMs: number;
  readonly #parts: RoomParts;
  readonly #neighbours: Neighbours;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.shelf = new UploadShelf(parts.directory);
    this.#neighbours = new Neighbours(join(parts.directory, 'users'));
    this.slots = new Slots(parts.maxConcurrent);
    this.expiryMs = parts.expiryMs;
  }

  /** Whether an upload's time is over, swept or not: its bytes may be gone at any moment. */
  isOver({ createdAt }: Pick<UploadRecord, 'createdAt'>): boolean {
    return createdAt + this.expiryMs <= this.#parts.clock();
  }

  /** First settles what an earlier process left open, unless others that may be at it use the directory; then sweeps now and then. */
  async start(): Promise<void> {
    const alone = await this.#neighbours.join((error) => this.#parts.logger.warn({ err: error }, SILENT));
    await this.sweep({ alone });
    this.#timer = setInterval(() => void this.#sweepQuietly(), SWEEP_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#neighbours.leave();
  }

  async sweep(options: { alone: boolean }): Promise<void> {
    const { clock, isTaken } = this.#parts;
    const deadline = clock() - this.expiryMs;
    const sweepShelf = (): Promise<string[]> =>
      this.shelf.sweep({
        deadline,
        forgetBefore: deadline - this.expiryMs,
        outcomeOf: async (claim, claimedAt) => {
          if (await isTaken(claim)) return 'taken';
          return options.alone || claimedAt < clock() - CLAIM_MS ? 'given back' : undefined;
        },
      });
    // A record that cannot be read is nobody's, and goes when its time is over.
    const tenantOf = async (uploadId: string): Promise<string | undefined> =>
      (await this.shelf.read(uploadId).catch(() => undefined))?.tenant;
    await this.waiting.recount(sweepShelf, tenantOf);
  }

  async #sweepQuietly(): Promise<void> {
    try {
      await this.sweep({ alone: false });
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'uploads could not be swept');
    }
  }
}
