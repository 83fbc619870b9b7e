import sharp from 'sharp';
import type { Pixels } from './tiles.ts';

/** Sides of the blocks whose visible pixels are averaged, from near to far. */
const BLOCKS = [4, 16, 64, 256, 1024];

/**
 * Gives pixels that cannot be seen the colour of the visible ones around them, in place. What a file hides there is
 * arbitrary, black as a rule, and the network would carry it into the edge as a dark fringe.
 */
export async function fillTransparent(colour: Pixels, alpha: Pixels): Promise<void> {
  if (!alpha.data.includes(0)) return;
  const { width, height } = colour;
  const deep = colour.data instanceof Uint16Array;
  const rgba = withAlpha8(colour, alpha);
  const picture = sharp(rgba, { raw: { width, height, channels: 4 }, limitInputPixels: false });
  // From far to near: a nearer colour, where there is one, replaces the farther.
  for (const block of BLOCKS.toReversed()) {
    const columns = Math.max(1, Math.round(width / block));
    const rows = Math.max(1, Math.round(height / block));
    // sharp weighs colours with their alpha when it reduces: what is hidden does not count.
    const around = await picture.clone().resize(columns, rows, { kernel: 'linear', fit: 'fill' }).raw().toBuffer();
    for (let pixel = 0; pixel < width * height; pixel += 1) {
      if (alpha.data[pixel] !== 0) continue;
      const row = Math.floor((Math.floor(pixel / width) * rows) / height);
      const from = (row * columns + Math.floor(((pixel % width) * columns) / width)) * 4;
      if ((around[from + 3] ?? 0) === 0) continue;
      for (let channel = 0; channel < 3; channel += 1) {
        colour.data[pixel * 3 + channel] = (around[from + channel] ?? 0) * (deep ? 257 : 1);
      }
    }
  }
}

/** 8 bits are enough for what cannot be seen. A sample that is barely visible must not count as hidden. */
function withAlpha8(colour: Pixels, alpha: Pixels): Uint8Array {
  const shift = colour.data instanceof Uint16Array ? 8 : 0;
  const rgba = new Uint8Array(alpha.data.length * 4);
  for (let pixel = 0; pixel < alpha.data.length; pixel += 1) {
    const seen = alpha.data[pixel] ?? 0;
    for (let channel = 0; channel < 3; channel += 1) {
      rgba[pixel * 4 + channel] = (colour.data[pixel * 3 + channel] ?? 0) >> shift;
    }
    rgba[pixel * 4 + 3] = seen === 0 ? 0 : Math.max(1, seen >> shift);
  }
  return rgba;
}
