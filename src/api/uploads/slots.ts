import { DarkroomError } from '../../contracts/errors.ts';
import { ANONYMOUS } from '../request-context.ts';

/** Uploads that may come in at once: each costs a connection, a file handle and some memory. */
export class Slots {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return Array.from(this.#taken.values()).reduce((sum, taken) => sum + taken, 0);
  }

  /**
   * No tenant gets more than half of the slots, so that none can keep the others out; without keys there is only one.
   * @throws DarkroomError `uploads_busy` at once: waiting would hold the connection as well.
   */
  async within<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    const share = tenant === ANONYMOUS ? this.#most : Math.ceil(this.#most / 2);
    if (this.taken >= this.#most || this.#of(tenant) >= share) throw new DarkroomError('uploads_busy');
    this.#taken.set(tenant, this.#of(tenant) + 1);
    try {
      return await work();
    } finally {
      const left = this.#of(tenant) - 1;
      if (left > 0) this.#taken.set(tenant, left);
      else this.#taken.delete(tenant);
    }
  }

  #of(tenant: string): number {
    return this.#taken.get(tenant) ?? 0;
  }
}
