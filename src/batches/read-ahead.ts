/** Most of the time goes by while Temporal and the store answer. */
const AT_ONCE = 8;

/**
 * What `read` makes of items, in their order, with later ones begun before they are asked for: one at first and one more
 * after each, up to {@link AT_ONCE}. So a walk is not the sum of all waits, and whoever stops early has had little read for nothing.
 */
export async function* readAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  read: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let atOnce = 1;
  for await (const item of items) {
    const reading = read(item);
    reading.catch(() => undefined); // thrown where its turn comes, if it still does
    begun.push(reading);
    if (begun.length < atOnce) continue;
    yield* begun.splice(0, 1);
    atOnce = Math.min(atOnce + 1, AT_ONCE);
  }
  yield* begun;
}
