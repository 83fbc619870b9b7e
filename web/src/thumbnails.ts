/** What the page keeps of an original: enough to show it beside its result after the file itself is out of reach. */
export interface Preview {
  thumb: string;
  /** JPEG, at most {@link PREVIEW_SIDE} on its longer side. */
  image: Blob;
  /** Upright size of the original. */
  width: number;
  height: number;
}

/** Chromium and Firefox cannot draw TIFF: such a photo gets a plain tile instead of a picture. */
const NOT_DRAWABLE = /\.tiff?$/i;

const THUMB_SIDE = 320;
const PREVIEW_SIDE = 1600;

/** @returns undefined when this browser cannot draw the file; it may be fine for the server all the same. */
export async function makePreview(file: File): Promise<Preview | undefined> {
  if (NOT_DRAWABLE.test(file.name)) return undefined;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return undefined;
  }
  try {
    const thumb = draw(bitmap, THUMB_SIDE).toDataURL('image/jpeg', 0.8);
    const image = await asJpeg(draw(bitmap, PREVIEW_SIDE));
    return image === null ? undefined : { thumb, image, width: bitmap.width, height: bitmap.height };
  } finally {
    bitmap.close();
  }
}

function draw(bitmap: ImageBitmap, side: number): HTMLCanvasElement {
  const shrink = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * shrink));
  canvas.height = Math.max(1, Math.round(bitmap.height * shrink));
  const context = canvas.getContext('2d');
  if (context === null) return canvas;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const asJpeg = (canvas: HTMLCanvasElement): Promise<Blob | null> =>
  new Promise((resolve) => {
    canvas.toBlob(resolve, 'image/jpeg', 0.92);
  });
