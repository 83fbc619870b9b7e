import sharp from 'sharp';
import type { Pixels } from '../tiles.ts';
import { oneEach, readYunet, yunetInput, type DetectedFace, type Tensor } from './yunet.ts';

/** Runs the face detector: a tensor in, its outputs by name. */
export type Detector = (input: Tensor) => Promise<ReadonlyMap<string, Float32Array>>;

/**
 * Longest sides of the copies that are searched. The detector knows faces of 10 to 300 pixels: the small copy shows it
 * those that fill a photo, the large one those in the back row. What a search costs does not grow with the photo.
 */
const SEARCHED_SIDES = [320, 640, 1600] as const;

/** Faces in pixels of the photo, the largest first. */
export async function findFaces(photo: Pixels, detect: Detector, signal: AbortSignal): Promise<DetectedFace[]> {
  const longest = Math.max(photo.width, photo.height);
  const found: DetectedFace[] = [];
  for (const [index, side] of SEARCHED_SIDES.entries()) {
    if (index > 0 && longest <= (SEARCHED_SIDES[index - 1] ?? 0)) break;
    signal.throwIfAborted();
    const copy = await reducedCopy(photo, Math.min(1, side / longest));
    const outputs = await detect(yunetInput(copy.data, copy.width, copy.height));
    const faces = readYunet(outputs, copy.width, copy.height);
    found.push(...faces.map((face) => enlarged(face, photo.width / copy.width, photo.height / copy.height)));
  }
  return oneEach(found).sort((a, b) => b.width * b.height - a.width * a.height);
}

/** The photo itself where it is small; 8 bits are enough to find a face. */
async function reducedCopy(photo: Pixels, factor: number): Promise<Pixels<Uint8Array>> {
  const { data: samples } = photo;
  if (factor === 1 && samples instanceof Uint8Array) return { ...photo, data: samples };
  const width = Math.max(1, Math.round(photo.width * factor));
  const height = Math.max(1, Math.round(photo.height * factor));
  const raw = { width: photo.width, height: photo.height, channels: 3 } as const;
  const data = await sharp(photo.data, { raw, limitInputPixels: false })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer();
  return { width, height, channels: 3, data };
}

function enlarged(face: DetectedFace, x: number, y: number): DetectedFace {
  return {
    score: face.score,
    left: face.left * x,
    top: face.top * y,
    width: face.width * x,
    height: face.height * y,
    // Pixel centres lie at whole numbers, in the copy as in the photo.
    points: face.points.map((point) => ({ x: (point.x + 0.5) * x - 0.5, y: (point.y + 0.5) * y - 0.5 })),
  };
}
