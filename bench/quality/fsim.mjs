/** FSIMc (Zhang et al. 2011): likeness of what the eye takes for features, with the settings of the Python package piq. */
import { transform } from './fourier.mjs';
import { alike, channelsOf, combine, correlate, planeOf, pooled, sum, viewingStep, yiqOf } from './planes.mjs';

const SCALES = [6, 12, 24, 48]; // wavelengths in pixels
const ORIENTATIONS = 4;
const BANDWIDTH = 0.55;
const ANGLE_SIGMA = Math.PI / (ORIENTATIONS * 1.2);
const [CUTOFF, SHARPNESS] = [0.45, 15];
const NOISE_SIGMAS = 2;
const [T_PHASE, T_GRADIENT, T_COLOUR, COLOUR_WEIGHT] = [0.85, 160, 200, 0.03];
const EPSILON = 1.2e-7;

export function fsim(some, others) {
  const [x, y] = [some, others].map(featuresOf);
  const weight = combine(Math.max, x.phase, y.phase);
  const score = combine(
    (px, py, gx, gy, ix, iy, qx, qy) =>
      alike(px, py, T_PHASE) *
      alike(gx, gy, T_GRADIENT) *
      Math.max(px, py) *
      Math.abs(alike(ix, iy, T_COLOUR) * alike(qx, qy, T_COLOUR)) ** COLOUR_WEIGHT,
    x.phase,
    y.phase,
    x.gradient,
    y.gradient,
    x.i,
    y.i,
    x.q,
    y.q,
  );
  return sum(score) / sum(weight);
}

const seen = new WeakMap();

/** Kept as long as the picture is: a photo is compared with many answers. */
function featuresOf(picture) {
  if (!seen.has(picture)) {
    const step = viewingStep(picture);
    const [y, i, q] = yiqOf(channelsOf(picture).map((plane) => pooled(plane, step)));
    seen.set(picture, { phase: phaseCongruency(y), gradient: gradient(y), i, q });
  }
  return seen.get(picture);
}

const SCHARR = [-3, 0, 3, -10, 0, 10, -3, 0, 3].map((value) => value / 16);
const TURNED = SCHARR.map((_, at) => SCHARR[(at % 3) * 3 + Math.floor(at / 3)]);

const gradient = (plane) => combine(Math.hypot, correlate(plane, SCHARR, 3, 1), correlate(plane, TURNED, 3, 1));

/** Where waves of all lengths are in step, 0 to 1 (Kovesi): edges and lines, whatever their contrast. */
function phaseCongruency(plane) {
  const { width, height } = plane;
  const spectrum = transform({ re: plane.data, im: new Float64Array(plane.data.length) }, width, height);
  const [energies, amplitudes] = [new Float64Array(plane.data.length), new Float64Array(plane.data.length)];
  for (const { filters, noise } of filtersFor(width, height)) {
    const answers = filters.map((filter) =>
      transform(
        {
          re: spectrum.re.map((value, at) => value * filter[at]),
          im: spectrum.im.map((value, at) => value * filter[at]),
        },
        width,
        height,
        true,
      ),
    );
    const threshold = noise * Math.sqrt(lowerMedian(answers[0]));
    for (let at = 0; at < energies.length; at += 1) {
      let [even, odd] = [0, 0];
      for (const { re, im } of answers) {
        even += re[at];
        odd += im[at];
      }
      const length = Math.hypot(even, odd) + EPSILON;
      const [meanEven, meanOdd] = [even / length, odd / length];
      let energy = 0;
      for (const { re, im } of answers) {
        energy += re[at] * meanEven + im[at] * meanOdd - Math.abs(re[at] * meanOdd - im[at] * meanEven);
        amplitudes[at] += Math.hypot(re[at], im[at]);
      }
      energies[at] += Math.max(0, energy - threshold);
    }
  }
  return planeOf(width, height, (_x, _y, at) => (energies[at] + EPSILON) / (amplitudes[at] + EPSILON));
}

/** The median of the squared lengths, the lower of the two middle ones. */
function lowerMedian({ re, im }) {
  const squares = re.map((value, at) => value ** 2 + im[at] ** 2).toSorted();
  return squares[Math.floor((squares.length - 1) / 2)];
}

const known = new Map();

/** Log-Gabor filters of every orientation, and how the threshold of noise follows from the median of the shortest waves. */
function filtersFor(width, height) {
  const key = `${width}x${height}`;
  if (!known.has(key)) known.set(key, makeFilters(width, height));
  return known.get(key);
}

/** Frequency in cycles a pixel of a place in the spectrum, none first. */
function frequency(at, count) {
  const shifted = (at + Math.floor(count / 2)) % count;
  return count % 2 === 1 ? (shifted - (count - 1) / 2) / (count - 1) : (shifted - count / 2) / count;
}

function makeFilters(width, height) {
  return Array.from({ length: ORIENTATIONS }, (_, orientation) => {
    const angle = (orientation * Math.PI) / ORIENTATIONS;
    const filters = SCALES.map(
      (wavelength) =>
        planeOf(width, height, (x, y) => logGabor(frequency(y, height), frequency(x, width), wavelength, angle)).data,
    );
    return { filters, noise: noiseFactor(filters, width, height) };
  });
}

function logGabor(down, right, wavelength, angle) {
  const radius = Math.hypot(down, right);
  if (radius === 0) return 0;
  const theta = Math.atan2(-right, down);
  const away = Math.abs(Math.atan2(Math.sin(theta - angle), Math.cos(theta - angle)));
  const band = Math.exp(-(Math.log(radius * wavelength) ** 2) / (2 * Math.log(BANDWIDTH) ** 2));
  return (band * Math.exp(-(away ** 2) / (2 * ANGLE_SIGMA ** 2))) / (1 + (radius / CUTOFF) ** (2 * SHARPNESS));
}

function noiseFactor(filters, width, height) {
  const count = width * height;
  const waves = filters.map((filter) => transform({ re: filter, im: new Float64Array(count) }, width, height, true).re);
  const product = (a, b) => a.reduce((total, value, at) => total + value * b[at], 0) * count;
  let energy = 0;
  for (const [at, wave] of waves.entries()) {
    energy += 2 * product(wave, wave);
    for (const other of waves.slice(at + 1)) energy += 4 * product(wave, other);
  }
  const power = 1 / Math.log(2) / filters[0].reduce((total, value) => total + value ** 2, 0);
  const tau = Math.sqrt((power * energy) / 2);
  return (tau * (Math.sqrt(Math.PI / 2) + NOISE_SIGMAS * Math.sqrt(2 - Math.PI / 2))) / 1.7;
}
