import { EventEmitter, once } from 'node:events';
import type { Locker } from '@tus/server';
import { DarkroomError } from '../../contracts/errors.ts';

type Lock = ReturnType<Locker['newLock']>;
type LetGo = Parameters<Lock['lock']>[1];

interface Holder {
  readonly letGo: LetGo;
  readonly gone: EventEmitter;
}

/** A request that is asked to let go needs no longer than this: its bytes are flushed first. */
const WAIT_MS = 30_000;

/** One request at a time for each upload; a later one makes the earlier let go, which is often a connection long dead. */
export class UploadLocks implements Locker {
  readonly #holders = new Map<string, Holder>();

  newLock(id: string): Lock {
    return {
      lock: (signal, letGo) => this.#take(id, signal, letGo),
      unlock: () => {
        this.#letGo(id);
        return Promise.resolve();
      },
    };
  }

  /** Does something with an upload while no request does. */
  async hold<T>(id: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#take(id, signal, () => undefined);
    try {
      return await work();
    } finally {
      this.#letGo(id);
    }
  }

  async #take(id: string, signal: AbortSignal, letGo: LetGo): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
    for (let holder = this.#holders.get(id); holder; holder = this.#holders.get(id)) {
      await holder.letGo();
      // Asking may have been enough: then there is nobody left to wait for.
      if (this.#holders.get(id) === holder) await gone(holder, patience);
    }
    this.#holders.set(id, { letGo, gone: new EventEmitter().setMaxListeners(0) });
  }

  #letGo(id: string): void {
    const holder = this.#holders.get(id);
    this.#holders.delete(id);
    holder?.gone.emit('gone');
  }
}

async function gone({ gone }: Holder, signal: AbortSignal): Promise<void> {
  try {
    await once(gone, 'gone', { signal });
  } catch (error) {
    throw new DarkroomError('upload_conflict', 'Another request is still writing this upload.', { cause: error });
  }
}
