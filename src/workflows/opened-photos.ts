import type { PendingPhoto } from '../contracts/activities.ts';
import { photoId } from '../contracts/ids.ts';
import type { PhotosAnswer } from '../contracts/workflow-api.ts';

type PhotoState = PhotosAnswer['photos'][number]['state'];

/** The photos of the pages that this run has opened: which are queued, in their order, which are under way, how each ended. */
export class OpenedPhotos {
  readonly #photos = new Map<number, { photo: PendingPhoto; state: PhotoState }>();
  readonly #queue: PendingPhoto[] = [];
  readonly #underWay = new Set<number>();

  get firstQueued(): PendingPhoto | undefined {
    return this.#queue[0];
  }

  get queuedIndexes(): number[] {
    return this.#queue.map(({ index }) => index);
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  isUnderWay(index: number): boolean {
    return this.#underWay.has(index);
  }

  /** `undefined` for photos of pages that this run has not opened. */
  stateOf(index: number): PhotoState | undefined {
    return this.#photos.get(index)?.state;
  }

  kilopixelsOf(index: number): number {
    return this.#photos.get(index)?.photo.kilopixels ?? 0;
  }

  enqueue(photo: PendingPhoto): void {
    this.#photos.set(photo.index, { photo, state: 'queued' });
    this.#queue.push(photo);
  }

  dequeue(index: number): void {
    const position = this.#queue.findIndex((photo) => photo.index === index);
    if (position >= 0) this.#queue.splice(position, 1);
  }

  start(index: number): void {
    this.dequeue(index);
    this.#underWay.add(index);
    this.#mark(index, 'processing');
  }

  settle(index: number, state: 'completed' | 'failed' | 'cancelled'): void {
    this.#underWay.delete(index);
    this.#mark(index, state);
  }

  list(batchId: string): PhotosAnswer['photos'] {
    return Array.from(this.#photos.values(), ({ photo, state }) => ({
      photoId: photoId(batchId, photo.index),
      name: photo.name,
      state,
    }));
  }

  #mark(index: number, state: PhotoState): void {
    const known = this.#photos.get(index);
    if (known) known.state = state;
  }
}
