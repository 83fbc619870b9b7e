/** HaarPSI (Reisenhofer et al. 2018), with the settings of its authors and of the Python package piq. */
import { alike, channelsOf, combine, correlate, planeOf, pooled, sum, yiqOf } from './planes.mjs';

const CONSTANT = 30;
const STEEPNESS = 4.2;

const sigmoid = (value) => 1 / (1 + Math.exp(-value));

export function haarpsi(some, others) {
  const [x, y] = [some, others].map((picture) => yiqOf(channelsOf(picture)).map((plane) => pooled(plane, 2)));
  const likeness = [];
  const weights = [];
  for (const lying of [false, true]) {
    const [fineX, fineY] = [waves(x[0], 2, lying), waves(y[0], 2, lying)];
    const [middleX, middleY] = [waves(x[0], 4, lying), waves(y[0], 4, lying)];
    weights.push(combine(Math.max, waves(x[0], 8, lying), waves(y[0], 8, lying)));
    likeness.push(
      combine((a, b, c, d) => (alike(a, b, CONSTANT) + alike(c, d, CONSTANT)) / 2, fineX, fineY, middleX, middleY),
    );
  }
  weights.push(combine((a, b) => (a + b) / 2, ...weights));
  const [ix, iy, qx, qy] = [x[1], y[1], x[2], y[2]].map(flatColour);
  likeness.push(combine((a, b, c, d) => (alike(a, b, CONSTANT) + alike(c, d, CONSTANT)) / 2, ix, iy, qx, qy));
  const total = weights.reduce((all, plane) => all + sum(plane), 0);
  const weighted = combine((value, weight) => sigmoid(STEEPNESS * value) * weight, likeness[0], weights[0]);
  const score =
    [1, 2].reduce(
      (all, at) =>
        all + sum(combine((value, weight) => sigmoid(STEEPNESS * value) * weight, likeness[at], weights[at])),
      sum(weighted),
    ) / total;
  return (Math.log(score / (1 - score)) / STEEPNESS) ** 2;
}

/** How strongly brightness changes from one half of a square to the other, upright or lying. */
function waves(plane, side, lying) {
  const kernel = Array.from({ length: side * side }, (_, at) => {
    const place = lying ? at % side : Math.floor(at / side);
    return (place < side / 2 ? 1 : -1) / side;
  });
  return combine(Math.abs, correlate(plane, kernel, side, side / 2 - 1));
}

const flatColour = (plane) => {
  const { width, height, data } = plane;
  const at = (x, y) => (x < width && y < height ? data[y * width + x] : 0);
  return planeOf(width, height, (x, y) => Math.abs(at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4);
};
