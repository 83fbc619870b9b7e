/** Pictures as planes of floats: what the measures of likeness share. A plane is `{ width, height, data }`, row by row. */

export const planeOf = (width, height, value) => {
  const data = new Float64Array(width * height);
  for (let at = 0; at < data.length; at += 1) data[at] = value(at % width, Math.floor(at / width), at);
  return { width, height, data };
};

/** What `change` makes of the values that two or more planes have in the same place. */
export const combine = (change, first, ...others) =>
  planeOf(first.width, first.height, (_x, _y, at) => change(first.data[at], ...others.map(({ data }) => data[at])));

export const sum = ({ data }) => data.reduce((total, value) => total + value, 0);
export const mean = (plane) => sum(plane) / plane.data.length;

/** The three channels of interleaved 8-bit RGB, 0 to 255. */
export const channelsOf = ({ width, height, data }) =>
  [0, 1, 2].map((channel) => planeOf(width, height, (_x, _y, at) => data[at * 3 + channel]));

const YIQ = [
  [0.299, 0.587, 0.114],
  [0.5959, -0.2746, -0.3213],
  [0.2115, -0.5227, 0.3112],
];

/** Brightness and the two differences of colour of NTSC. */
export const yiqOf = (channels) => YIQ.map(([r, g, b]) => combine((x, y, z) => r * x + g * y + b * z, ...channels));

/** Means of `side` x `side` pixels; what is left over at the right and at the bottom goes. */
export function pooled(plane, side) {
  if (side === 1) return plane;
  return planeOf(Math.floor(plane.width / side), Math.floor(plane.height / side), (x, y) => {
    let total = 0;
    for (let j = 0; j < side; j += 1)
      for (let i = 0; i < side; i += 1) total += plane.data[(y * side + j) * plane.width + x * side + i];
    return total / side ** 2;
  });
}

/** How much measures of structure make a picture smaller first: as if seen from where all of it is in view. */
export const viewingStep = ({ width, height }) => Math.max(1, Math.round(Math.min(width, height) / 256));

/** 1 where two values are the same, less the further they are apart; `constant` keeps small values from counting. */
export const alike = (a, b, constant) => (2 * a * b + constant) / (a * a + b * b + constant);

/** Correlation with a small kernel of `side` x `side` numbers whose first lies `before` pixels up and left; zeros beyond the edge. */
export function correlate({ width, height, data }, kernel, side, before) {
  return planeOf(width, height, (x, y) => {
    let total = 0;
    for (let j = 0; j < side; j += 1) {
      const row = y + j - before;
      if (row < 0 || row >= height) continue;
      for (let i = 0; i < side; i += 1) {
        const column = x + i - before;
        if (column >= 0 && column < width) total += kernel[j * side + i] * data[row * width + column];
      }
    }
    return total;
  });
}
