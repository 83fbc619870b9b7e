import type { Store } from './store.ts';

/** Names below `prefix/YYYY/MM/DD/`, walked backwards; the names of a day must sort by time. */
export async function* newestFirst(store: Store, prefix: string, levels = 3): AsyncGenerator<string> {
  const names = (await store.list(prefix)).toReversed();
  if (levels === 0) yield* names;
  else for (const name of names) yield* newestFirst(store, `${prefix}/${name}`, levels - 1);
}
