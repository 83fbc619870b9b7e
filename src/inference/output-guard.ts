/** Recognises a network's answer that cannot be right: a driver or a precision that fails gives black or flat tiles, without an error. */

/** A tile whose samples differ by less may well come out flat. */
const CONTRAST = 24;
/** Enlarging keeps a tile's mean; measured on photos it moves by less than 3 levels. */
const MEAN_SHIFT = 64;

interface Summary {
  readonly lowest: number;
  readonly highest: number;
  readonly mean: number;
}

function summarise(pixels: Uint8Array): Summary {
  // Every 7th sample: 7 and 3 have no common factor, so all channels and columns are met.
  const step = pixels.length > 10_000 ? 7 : 1;
  let lowest = 255;
  let highest = 0;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < pixels.length; i += step) {
    const sample = pixels[i] ?? 0;
    if (sample < lowest) lowest = sample;
    if (sample > highest) highest = sample;
    sum += sample;
    count += 1;
  }
  return { lowest, highest, mean: sum / Math.max(1, count) };
}

export function looksBroken(input: Uint8Array, output: Uint8Array): boolean {
  const given = summarise(input);
  const made = summarise(output);
  const flat = made.highest === made.lowest && given.highest - given.lowest >= CONTRAST;
  return flat || Math.abs(made.mean - given.mean) > MEAN_SHIFT;
}
