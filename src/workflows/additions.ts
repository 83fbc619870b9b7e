import type { AppendedPhotos } from '../contracts/activities.ts';
import type { EnhanceBatchCarried } from '../contracts/workflow-api.ts';

/** A repeated call is answered at once for so long; callers repeat at once or not at all. Then the journal is asked. */
const REMEMBERED = 200;

/** Where in the manifest each addition to an open batch went, newest last: one that is sent twice is taken in once. */
export class Additions {
  readonly #places: EnhanceBatchCarried['additions'];

  constructor(carried: EnhanceBatchCarried | undefined) {
    this.#places = carried?.additions ?? [];
  }

  find(additionId: string): { from: number; count: number } | undefined {
    return this.#places.find(({ id }) => id === additionId);
  }

  add(additionId: string, { from, count }: AppendedPhotos): void {
    this.#places.push({ id: additionId, from, count });
  }

  carried(): EnhanceBatchCarried['additions'] {
    return this.#places.slice(-REMEMBERED);
  }
}
