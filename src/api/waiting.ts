import type { BatchView } from '../batches/batch-service.ts';
import type { House } from './house.ts';
import type { Call } from './route.ts';

/** `Prefer: wait=N` (RFC 7240): the answer comes when the work has ended, or after N seconds as it is then. */

/** Proxies and clients give up on an answer that takes longer. */
export const WAIT_MAX_SECONDS = 60;
/** Waiting requests hold a connection each; others beside them are answered at once. */
const WAITING_AT_MOST = 1000;
const LOOK_MS = 250;

/** How long the caller would wait, in seconds, within our bound; 0 when it did not say. Faulty preferences do not count. */
export function preferredWait(prefer: string | undefined): number {
  for (const preference of (prefer ?? '').split(/[,;]/)) {
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*$/i.exec(preference);
    if (match) return Math.min(Number(match[1]), WAIT_MAX_SECONDS);
  }
  return 0;
}

/** Requests that wait, over all batches; the views they look at are cached and asked for once for all of them. */
export class WaitingRoom {
  readonly #waiting = new Set<() => void>();
  #closed = false;

  get size(): number {
    return this.#waiting.size;
  }

  /** Lets everybody go: they are answered with what is. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#waiting) wake();
  }

  /**
   * Waits as long as the caller prefers, and says so in the answer.
   * @param hasEnded looked at whenever the counts of the batch have changed
   * @returns whether it waited
   */
  async wait(
    { request, response, signal }: Call<unknown, unknown, unknown>,
    { service, clock }: Pick<House, 'service' | 'clock'>,
    batchId: string,
    hasEnded: (view: BatchView) => boolean | Promise<boolean> = ({ open }) => !open,
  ): Promise<boolean> {
    const seconds = preferredWait(request.get('prefer'));
    if (seconds === 0 || this.#closed || this.#waiting.size >= WAITING_AT_MOST) return false;
    response.set('Preference-Applied', `wait=${seconds}`);
    const deadline = clock() + seconds * 1000;
    let before = '';
    while (!this.#closed && !signal.aborted) {
      const view = await service.view(batchId);
      if (!view) return true;
      const counts = `${view.open} ${view.completed} ${view.failed}`;
      if (counts !== before && (await hasEnded(view))) return true;
      before = counts;
      const left = deadline - clock();
      if (left <= 0) return true;
      await this.#pause(Math.min(left, LOOK_MS), signal);
    }
    return true;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}
