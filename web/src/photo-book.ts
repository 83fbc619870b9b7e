import type { Photo } from './api-shapes.ts';

/** Photos of a batch by their place, as far as the page has heard of them: a batch of a hundred thousand is never held whole. */

/** Far more than a person scrolls past; what was seen longest ago is asked for again. */
const KEPT = 20_000;

export class PhotoBook {
  readonly #photos = new Map<number, Photo>();
  readonly #counts = new Map<string, number>();

  at(index: number): Photo | undefined {
    return this.#photos.get(index);
  }

  /** What an event says replaces what was known; what only a listing says is kept while the state is the same. */
  hear(photo: Photo): void {
    const known = this.#photos.get(photo.index);
    this.#drop(photo.index);
    this.#photos.set(photo.index, known?.status === photo.status ? { ...known, ...photo } : photo);
    this.#counts.set(photo.status, this.count(photo.status) + 1);
    const [oldest] = this.#photos.keys();
    if (this.#photos.size > KEPT && oldest !== undefined) this.#drop(oldest);
  }

  /** How many are known to be in a state. */
  count(status: string): number {
    return this.#counts.get(status) ?? 0;
  }

  #drop(index: number): void {
    const photo = this.#photos.get(index);
    if (photo === undefined) return;
    this.#photos.delete(index);
    this.#counts.set(photo.status, this.count(photo.status) - 1);
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
    this.#counts.clear();
  }
}
