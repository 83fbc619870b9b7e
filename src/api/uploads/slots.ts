import { DarkroomError } from '../../contracts/errors.ts';

/** Uploads that may come in at once: each costs a connection, a file handle and some memory. */
export class Slots {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws DarkroomError `uploads_busy` at once: waiting would hold the connection as well. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#most) throw new DarkroomError('uploads_busy');
    this.#taken += 1;
    try {
      return await work();
    } finally {
      this.#taken -= 1;
    }
  }
}
