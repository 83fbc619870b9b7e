import { DarkroomError } from '../../contracts/errors.ts';

/** Pictures that were made lately, up to so many bytes of them. */
const SHELF_BYTES = 48 * 1024 * 1024;
/** Made at once: decoding takes the processor from the engine, whose work matters more. */
const MADE_AT_ONCE = 2;
/** Those that wait for their turn; a page shows fewer than this at a time. */
const WAITING_MOST = 256;

/** Makes each picture once for all who ask for it, few at a time, and keeps the ones used last. */
export class ThumbnailShelf {
  readonly #kept = new Map<string, Buffer>();
  readonly #making = new Map<string, Promise<Buffer>>();
  readonly #turns: (() => void)[] = [];
  #bytes = 0;
  #busy = 0;

  /**
   * @param key names the picture, its size and what it was made of: other bytes need another key.
   * @throws DarkroomError `uploads_busy` when too many wait already, and whatever `make` throws, which is not kept.
   */
  async find(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#keep(key, kept);
      return kept;
    }
    const making = this.#making.get(key) ?? this.#make(key, make);
    return making;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #make(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const made = this.#inTurn(make)
      .then((picture) => {
        this.#keep(key, picture);
        return picture;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, made);
    return made;
  }

  async #inTurn(make: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#turns.length >= WAITING_MOST) throw new DarkroomError('uploads_busy');
    if (this.#busy >= MADE_AT_ONCE) await new Promise<void>((go) => this.#turns.push(go));
    else this.#busy += 1;
    try {
      return await make();
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  /** The last in a Map's order was used last. */
  #keep(key: string, picture: Buffer): void {
    this.#bytes += picture.length - (this.#kept.get(key)?.length ?? 0);
    this.#kept.delete(key);
    this.#kept.set(key, picture);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= SHELF_BYTES) return;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}
