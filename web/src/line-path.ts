/** Paths of small plots. The frame is 100 wide and 100 high; time runs to the right, values up. */

export interface Reading {
  /** Epoch seconds. */
  readonly at: number;
  /** Null where there is none. */
  readonly value: number | null;
}

/** @returns one `M…L…` piece for every stretch without gaps. */
export function linePath(readings: readonly Reading[], from: number, to: number, most: number): string {
  let path = '';
  let drawing = false;
  for (const { at, value } of readings) {
    if (value === null || at < from) {
      drawing = false;
      continue;
    }
    const x = ((at - from) / Math.max(1, to - from)) * 100;
    const y = 100 - (Math.min(value, most) / most) * 100;
    path += `${drawing ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`;
    drawing = true;
  }
  return path;
}

/** A round figure at or above the largest value, so that the frame does not jump with every reading. */
export function niceMost(values: readonly (number | null)[], least: number): number {
  const largest = Math.max(least, ...values.map((value) => value ?? 0));
  const magnitude = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 5, 10].map((step) => step * magnitude).find((step) => step >= largest) ?? largest;
}

/** Mean over the half minute before each reading: engines tell what a photo cost when it is done, all at once. */
export function smoothed(readings: readonly Reading[]): Reading[] {
  return readings.map(({ at, value }, place) => {
    if (value === null) return { at, value };
    const recent = readings.slice(Math.max(0, place - SMOOTHED_OVER), place + 1).flatMap((one) => one.value ?? []);
    return { at, value: recent.reduce((sum, one) => sum + one, 0) / recent.length };
  });
}

const SMOOTHED_OVER = 15;
