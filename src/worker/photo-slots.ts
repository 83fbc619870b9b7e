import { once, EventEmitter } from 'node:events';
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit, WorkerTuner } from '@temporalio/worker';
import type { Demand, Stay } from '../inference/engine.ts';

/** A photo that has not come to the engines by then is not counted on. */
const COMING_MS = 5000;

/**
 * How many photos a worker asks Temporal for: one for every engine, and the next when an engine will soon have done with its own. A worker that
 * took two at once would keep the second waiting for a minute where a network takes that long, while another worker had nothing
 * to do; and a host whose engines do not start asks for none. Temporal asks for a permit before each poll and gives it back when
 * the poll brought nothing or the photo is settled.
 */
export class PhotoSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #demand: Demand;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  /** Permits that are out. */
  #permits = 0;
  /** Photos that have come to the engines, of which the demand knows, or are late; until they are settled. */
  #arrived = 0;

  constructor(demand: Demand) {
    this.#demand = demand;
    demand.onChange(() => this.#changes.emit('change'));
  }

  /** For a Temporal worker that has activities alone: the SDK wants a word on every kind of task. */
  get tuner(): WorkerTuner {
    const none = { type: 'fixed-size', numSlots: 1 } as const;
    return {
      activityTaskSlotSupplier: this,
      workflowTaskSlotSupplier: none,
      localActivityTaskSlotSupplier: none,
      nexusTaskSlotSupplier: none,
    };
  }

  async reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    for (;;) {
      const permit = this.tryReserveSlot();
      if (permit) return permit;
      await once(this.#changes, 'change', { signal }).catch((error: unknown) => {
        // The SDK knows a worker that stops by its own reason.
        throw signal.aborted ? signal.reason : error;
      });
    }
  }

  tryReserveSlot(): SlotPermit | null {
    const coming = this.#permits - this.#arrived;
    if (this.#permits >= this.#demand.places || coming >= this.#demand.wanted()) return null;
    this.#permits += 1;
    return {};
  }

  markSlotUsed(): void {
    // Polls that may yet bring a photo count as much as photos do.
  }

  releaseSlot(): void {
    this.#permits -= 1;
    this.#changes.emit('change');
  }

  /** For each attempt at a photo: when it has come to the engines, and when it is settled. */
  openStay(): Stay {
    let here = false;
    const arrive = (): void => {
      clearTimeout(timer);
      if (!here) this.#arrived += 1;
      here = true;
    };
    // An original that is long in coming must not leave an engine without work.
    const timer = setTimeout(() => {
      arrive();
      this.#changes.emit('change');
    }, COMING_MS).unref();
    return {
      arrive,
      end: () => {
        clearTimeout(timer);
        if (here) this.#arrived -= 1;
        here = false;
      },
    };
  }
}
