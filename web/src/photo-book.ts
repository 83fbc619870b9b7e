import type { Photo } from './api-shapes.ts';

/** Photos of a batch by their place, as far as the page has heard of them: a batch of a hundred thousand is never held whole. */

/** Far more than a person scrolls past; what was seen longest ago is asked for again. */
const KEPT = 20_000;

export class PhotoBook {
  readonly #photos = new Map<number, Photo>();

  at(index: number): Photo | undefined {
    return this.#photos.get(index);
  }

  /** What an event says replaces what was known; what only a listing says is kept while the state is the same. */
  hear(photo: Photo): void {
    const known = this.#photos.get(photo.index);
    this.#photos.delete(photo.index);
    this.#photos.set(photo.index, known?.status === photo.status ? { ...known, ...photo } : photo);
    const [oldest] = this.#photos.keys();
    if (this.#photos.size > KEPT && oldest !== undefined) this.#photos.delete(oldest);
  }

  /** Whether a listing would say more of this photo than is known. */
  wants(index: number): boolean {
    const photo = this.#photos.get(index);
    return photo === undefined || (photo.status === 'completed' && photo.timings === undefined);
  }

  /** Those known to be in a state, in the order of the batch. */
  known(status: string): Photo[] {
    return [...this.#photos.values()].filter((photo) => photo.status === status).sort((a, b) => a.index - b.index);
  }

  forget(): void {
    this.#photos.clear();
  }
}
