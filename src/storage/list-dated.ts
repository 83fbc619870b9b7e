import type { Store } from './store.ts';

/** One of the objects that are written again and again, such as the reports of those who live. */
export interface Dated {
  readonly name: string;
  /** By the store's clock, epoch milliseconds. */
  readonly modifiedAt: number;
}

/**
 * The objects of a folder with when each was written. What nobody renews any more tells of somebody who is gone, and need not be
 * read: what a backup copied while it was being written may not be readable at all.
 */
export async function listDated(store: Store, folder: string): Promise<Dated[]> {
  const found = await Promise.all(
    (await store.list(folder)).map(async (name) => {
      const stat = await store.stat(`${folder}/${name}`);
      return stat ? [{ name, modifiedAt: stat.modifiedAt }] : [];
    }),
  );
  return found.flat();
}
