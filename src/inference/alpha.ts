import sharp from 'sharp';
import { cutOut, type Pixels } from './tiles.ts';

/** Rows of the alpha plane beyond a band that its interpolation looks at. */
const REACH = 4;

/**
 * Rows `[start, end)` of the alpha plane enlarged by `scale` (cubic). Alpha does not go through the network, which
 * would take it for texture.
 */
export async function enlargeAlpha(alpha: Pixels, scale: number, start: number, end: number): Promise<Uint8Array> {
  const from = Math.max(0, Math.floor(start / scale) - REACH);
  const to = Math.min(alpha.height, Math.ceil(end / scale) + REACH);
  const part = cutOut(alpha, { start: 0, end: alpha.width }, { start: from, end: to });
  return sharp(part, { raw: { width: alpha.width, height: to - from, channels: 1 }, limitInputPixels: false })
    .resize(alpha.width * scale, (to - from) * scale, { kernel: 'cubic', fit: 'fill' })
    .extract({ left: 0, top: start - from * scale, width: alpha.width * scale, height: end - start })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
}

/** RGB rows and their alpha as RGBA. */
export function attachAlpha(rgb: Uint8Array, alpha: Uint8Array): Uint8Array {
  const rgba = new Uint8Array(alpha.length * 4);
  for (let pixel = 0; pixel < alpha.length; pixel += 1) {
    rgba[pixel * 4] = rgb[pixel * 3] ?? 0;
    rgba[pixel * 4 + 1] = rgb[pixel * 3 + 1] ?? 0;
    rgba[pixel * 4 + 2] = rgb[pixel * 3 + 2] ?? 0;
    rgba[pixel * 4 + 3] = alpha[pixel] ?? 0;
  }
  return rgba;
}
