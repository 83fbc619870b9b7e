/** The discrete Fourier transform in two dimensions, of any size; sides with small factors are fast. */

/** @param numbers - `{ re, im }`, row by row; @returns the same shape, divided by the count where `inverse`. */
export function transform({ re, im }, width, height, inverse = false) {
  const out = { re: Float64Array.from(re), im: Float64Array.from(im) };
  for (let y = 0; y < height; y += 1) line(out, y * width, 1, width, inverse);
  for (let x = 0; x < width; x += 1) line(out, x, width, height, inverse);
  if (inverse) {
    for (let at = 0; at < width * height; at += 1) {
      out.re[at] /= width * height;
      out.im[at] /= width * height;
    }
  }
  return out;
}

function line(numbers, start, step, count, inverse) {
  const made = fourier(numbers.re, numbers.im, start, step, count, rootsOf(count, inverse));
  for (let at = 0; at < count; at += 1) {
    numbers.re[start + at * step] = made.re[at];
    numbers.im[start + at * step] = made.im[at];
  }
}

const known = new Map();

/** The roots of unity of a whole line; those of its parts are every second, third, … of them. */
function rootsOf(count, inverse) {
  const key = inverse ? -count : count;
  if (!known.has(key)) {
    const angle = (at) => ((inverse ? 2 : -2) * Math.PI * at) / count;
    const table = (of) => Float64Array.from({ length: count }, (_, at) => of(angle(at)));
    known.set(key, { cos: table(Math.cos), sin: table(Math.sin), count });
  }
  return known.get(key);
}

/** Cooley and Tukey by the smallest factor of the count; a prime count is summed as it is defined. */
function fourier(re, im, start, step, count, roots) {
  const made = { re: new Float64Array(count), im: new Float64Array(count) };
  if (count === 1) {
    made.re[0] = re[start];
    made.im[0] = im[start];
    return made;
  }
  const factor = smallestFactor(count);
  const length = count / factor;
  const stride = roots.count / count;
  for (let at = 0; at < factor; at += 1) {
    const part = fourier(re, im, start + at * step, step * factor, length, roots);
    for (let k = 0; k < count; k += 1) {
      const root = ((at * k) % count) * stride;
      const [cos, sin, a, b] = [roots.cos[root], roots.sin[root], part.re[k % length], part.im[k % length]];
      made.re[k] += a * cos - b * sin;
      made.im[k] += a * sin + b * cos;
    }
  }
  return made;
}

function smallestFactor(count) {
  for (let factor = 2; factor * factor <= count; factor += 1) if (count % factor === 0) return factor;
  return count;
}
