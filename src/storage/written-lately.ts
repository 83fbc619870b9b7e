import type { Store } from './store.ts';

/** What is written again and again, such as the reports of those who live: name, and when by the store's clock (epoch milliseconds). */
export interface Renewed {
  readonly name: string;
  readonly modifiedAt: number;
}

/**
 * Objects of a folder that were renewed since. What nobody renews any more is not read: it tells of somebody who is gone, and what a backup copied
 * while it was being written may not be readable at all.
 */
export async function writtenSince(store: Store, folder: string, since: number): Promise<Renewed[]> {
  const found = await Promise.all(
    (await store.list(folder)).map(async (name) => {
      const stat = await store.stat(`${folder}/${name}`);
      return stat && stat.modifiedAt > since ? [{ name, modifiedAt: stat.modifiedAt }] : [];
    }),
  );
  return found.flat();
}
