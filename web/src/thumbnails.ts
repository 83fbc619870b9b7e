import type { Chosen } from './photos.ts';

/** Chromium and Firefox cannot draw TIFF: such a photo gets a plain tile until the server has made a picture. */
const NOT_DRAWABLE = /\.tiff?$/i;
const SIDE = 320;

/** @returns nothing when this browser cannot draw the file; it may be fine for the server all the same. */
export async function makeThumb(file: File): Promise<Pick<Chosen, 'thumb' | 'width' | 'height'>> {
  if (NOT_DRAWABLE.test(file.name)) return {};
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) return {};
  try {
    const { width, height } = bitmap;
    const shrink = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(width * shrink));
    canvas.height = Math.max(1, Math.round(height * shrink));
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return { thumb: canvas.toDataURL('image/webp', 0.75), width, height };
  } finally {
    bitmap.close();
  }
}

/** Pictures of what was sent in this visit, by task: nothing need be loaded to show a photo that was just here. */
const sent = new Map<string, string>();
const KEPT = 600;

export function keepSentThumb(taskId: string, thumb: string | undefined): void {
  if (thumb === undefined) return;
  sent.set(taskId, thumb);
  const [oldest] = sent.keys();
  if (sent.size > KEPT && oldest !== undefined) sent.delete(oldest);
}

export const sentThumb = (taskId: string): string | undefined => sent.get(taskId);
