import { rm } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import type { Size } from '../contracts/result-size.ts';
import { openCanvas } from './canvas.ts';
import { CanvasFile } from './canvas-file.ts';
import type { Depth, Pixels, Samples } from './tiles.ts';

/** Canvases at another size, and blends of two: on disk, so that memory does not grow with the picture. */

const READ = { limitInputPixels: false, unlimited: true, sequentialRead: true } as const;
/** Rows blended at a time, in bytes of one canvas. */
const BAND_BYTES = 8 * 1024 * 1024;

/** Lanczos averages the network's finest texture instead of aliasing it. */
async function resampleTo(picture: Sharp, path: string, { width, height }: Size, depth: Depth): Promise<void> {
  await picture
    .resize(width, height, { kernel: 'lanczos3', fit: 'fill' })
    .toColourspace(depth === 16 ? 'rgb16' : 'srgb')
    .tiff({ compression: 'none', bigtiff: true })
    .toFile(path);
}

/** A canvas at another size; the one it was made from is removed. */
export async function resampleCanvas(from: string, to: string, size: Size, depth: Depth): Promise<void> {
  await resampleTo(sharp(from, READ), to, size, depth);
  await rm(from);
}

/** A picture in memory as a canvas of another size. */
export async function resamplePixels({ data, width, height }: Pixels, to: string, size: Size): Promise<void> {
  const picture = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  await resampleTo(picture, to, size, data instanceof Uint16Array ? 16 : 8);
}

/**
 * Writes a canvas in which `enhanced` counts for `strength` and `original` for the rest; alpha is that of `enhanced`. Both have
 * one size and depth, and are removed.
 */
export async function blendCanvases(enhanced: string, original: string, to: string, strength: number): Promise<void> {
  const [above, below] = await Promise.all([CanvasFile.open(enhanced), CanvasFile.open(original)]);
  const channels = above.channels === 4 ? 4 : 3;
  const canvas = await openCanvas(to, above.width, above.height, channels, above.depth);
  try {
    const bandRows = Math.max(16, Math.floor(BAND_BYTES / (above.width * channels * 2)));
    for (let start = 0; start < above.height; start += bandRows) {
      const end = Math.min(above.height, start + bandRows);
      const rows = await above.rows(start, end);
      mix(rows, channels, await below.rows(start, end), below.channels, strength);
      await canvas.append(rows);
    }
  } finally {
    await Promise.all([above.close(), below.close(), canvas.close()]);
  }
  await Promise.all([rm(enhanced), rm(original)]);
}

/** Changes the colours of `rows`. */
function mix(rows: Samples, channels: number, others: Samples, otherChannels: number, strength: number): void {
  const pixels = rows.length / channels;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const at = pixel * channels + channel;
      const other = others[pixel * otherChannels + channel] ?? 0;
      rows[at] = Math.round(other + strength * ((rows[at] ?? 0) - other));
    }
  }
}
