import sharp from 'sharp';
import { cutOut, samplesLike, type OwnSamples, type Pixels, type Samples } from './tiles.ts';

/** Rows of the alpha plane beyond a band that its interpolation looks at. */
const REACH = 4;

/**
 * Rows `[start, end)` of the alpha plane enlarged by `scale` (cubic). Alpha does not go through the network, which
 * would take it for texture.
 */
export async function enlargeAlpha(alpha: Pixels, scale: number, start: number, end: number): Promise<OwnSamples> {
  const from = Math.max(0, Math.floor(start / scale) - REACH);
  const to = Math.min(alpha.height, Math.ceil(end / scale) + REACH);
  const part = cutOut(alpha, { start: 0, end: alpha.width }, { start: from, end: to });
  const deep = part instanceof Uint16Array;
  const plane = await sharp(part, {
    raw: { width: alpha.width, height: to - from, channels: 1 },
    limitInputPixels: false,
  })
    .resize(alpha.width * scale, (to - from) * scale, { kernel: 'cubic', fit: 'fill' })
    .extract({ left: 0, top: start - from * scale, width: alpha.width * scale, height: end - start })
    .toColourspace(deep ? 'grey16' : 'b-w')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer();
  return samplesOf(plane, deep);
}

/** The alpha plane at another size, for a second pass of the network. */
export async function alphaAt(alpha: Pixels, width: number, height: number): Promise<Pixels> {
  if (alpha.width === width && alpha.height === height) return alpha;
  const deep = alpha.data instanceof Uint16Array;
  const raw = { width: alpha.width, height: alpha.height, channels: 1 } as const;
  const plane = await sharp(alpha.data, { raw, limitInputPixels: false })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .toColourspace(deep ? 'grey16' : 'b-w')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer();
  return { width, height, channels: 1, data: samplesOf(plane, deep) };
}

/** A copy, since sharp's buffers need not begin where a sample of 16 bits may. */
function samplesOf(plane: Buffer, deep: boolean): OwnSamples {
  const bytes = new Uint8Array(plane);
  return deep ? new Uint16Array(bytes.buffer) : bytes;
}

/** RGB rows and their alpha as RGBA. */
export function attachAlpha(rgb: Samples, alpha: Samples): Samples {
  const rgba = samplesLike(rgb, alpha.length * 4);
  for (let pixel = 0; pixel < alpha.length; pixel += 1) {
    rgba[pixel * 4] = rgb[pixel * 3] ?? 0;
    rgba[pixel * 4 + 1] = rgb[pixel * 3 + 1] ?? 0;
    rgba[pixel * 4 + 2] = rgb[pixel * 3 + 2] ?? 0;
    rgba[pixel * 4 + 3] = alpha[pixel] ?? 0;
  }
  return rgba;
}
