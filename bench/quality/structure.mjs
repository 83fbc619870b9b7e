/** PSNR, and SSIM (Wang et al. 2004), the latter with the settings of the Python package piq. */
import { alike, channelsOf, combine, mean, planeOf, pooled, viewingStep } from './planes.mjs';

const WINDOW = 11;
const SIGMA = 1.5;
const [C1, C2] = [0.01 ** 2, 0.03 ** 2];

/** Decibels over all samples of two pictures of 8 bits. */
export function psnr(some, others) {
  let squares = 0;
  for (let at = 0; at < some.data.length; at += 1) squares += (some.data[at] - others.data[at]) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / some.data.length));
}

export function ssim(some, others) {
  const step = viewingStep(some);
  const [x, y] = [some, others].map((picture) =>
    channelsOf(picture).map((plane) =>
      pooled(
        combine((value) => value / 255, plane),
        step,
      ),
    ),
  );
  return [0, 1, 2].reduce((total, channel) => total + ssimOfPlanes(x[channel], y[channel]), 0) / 3;
}

function ssimOfPlanes(x, y) {
  const [meanX, meanY] = [windowed(x), windowed(y)];
  const squaresX = windowed(combine((a) => a * a, x));
  const squaresY = windowed(combine((a) => a * a, y));
  const products = windowed(combine((a, b) => a * b, x, y));
  const likeness = (mx, my, xx, yy, xy) =>
    (alike(mx, my, C1) * (2 * (xy - mx * my) + C2)) / (xx - mx * mx + (yy - my * my) + C2);
  return mean(combine(likeness, meanX, meanY, squaresX, squaresY, products));
}

const bell = Array.from({ length: WINDOW }, (_, at) => Math.exp(-((at - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)));
const WEIGHTS = bell.map((weight) => weight / bell.reduce((total, value) => total + value, 0));

/** Means under a bell, only where all of it lies in the picture. */
function windowed({ width, height, data }) {
  const inner = width - WINDOW + 1;
  const lying = planeOf(inner, height, (x, y) =>
    WEIGHTS.reduce((total, weight, at) => total + weight * data[y * width + x + at], 0),
  );
  return planeOf(inner, height - WINDOW + 1, (x, y) =>
    WEIGHTS.reduce((total, weight, at) => total + weight * lying.data[(y + at) * inner + x], 0),
  );
}
