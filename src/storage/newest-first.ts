import type { Store } from './store.ts';

/** Folders above the names: year, month, day. */
const LEVELS = 3;

/**
 * Names below `prefix/YYYY/MM/DD/`, walked backwards; the names of a day must sort by time.
 * @param before - walks only what comes before it, and lists nothing later: day and name, `['2026', '11', '22', 'b-…']`.
 */
export async function* newestFirst(
  store: Store,
  prefix: string,
  before: readonly string[] = [],
  levels = LEVELS,
): AsyncGenerator<string> {
  const [bound, ...deeper] = before;
  for (const name of (await store.list(prefix)).toReversed()) {
    if (bound !== undefined && (levels === 0 ? name >= bound : name > bound)) continue;
    if (levels === 0) yield name;
    else yield* newestFirst(store, `${prefix}/${name}`, name === bound ? deeper : [], levels - 1);
  }
}

/** The `before` of {@link newestFirst} for a name that says its day from the character `at` on: `20261122`. */
export function beforeName(name: string | undefined, at = 0): string[] {
  if (name === undefined) return [];
  const day = name.slice(at, at + 8);
  return [day.slice(0, 4), day.slice(4, 6), day.slice(6, 8), name];
}
