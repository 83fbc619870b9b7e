import { syncDirectory } from './durable-files.ts';

interface Flushes {
  /** Under way: it may have begun before a name that comes now. */
  readonly current: Promise<void>;
  /** Begins when that one has ended, once for all who asked meanwhile. */
  next?: Promise<void>;
}

/** Makes names in directories durable; those who ask for the same directory at the same time share a flush. */
export class DirectoryFlusher {
  readonly #sync: (directory: string) => Promise<void>;
  readonly #underWay = new Map<string, Flushes>();

  constructor(sync: (directory: string) => Promise<void> = syncDirectory) {
    this.#sync = sync;
  }

  /** Resolves when every name that was in the directory at the time of this call is on the disk. */
  flush(directory: string): Promise<void> {
    const known = this.#underWay.get(directory);
    if (!known) return this.#begin(directory);
    const begin = (): Promise<void> => this.#begin(directory);
    known.next ??= known.current.then(begin, begin);
    return known.next;
  }

  #begin(directory: string): Promise<void> {
    const flushes: Flushes = { current: this.#sync(directory) };
    this.#underWay.set(directory, flushes);
    const ended = (): void => {
      if (flushes.next === undefined) this.#underWay.delete(directory);
    };
    flushes.current.then(ended, ended);
    return flushes.current;
  }
}
