import type { Preview } from './thumbnails.ts';

/** Photos as the person picked them, before anything is sent. */

export interface Photo {
  /** Of this page alone; tells two files of the same name apart. */
  readonly key: string;
  readonly file: File;
  /** Absent until made, and for files that this browser cannot draw. */
  preview?: Preview;
}

export interface Refusal {
  readonly name: string;
  readonly reason: 'format' | 'size' | 'empty';
}

const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'tif', 'tiff', 'gif', 'bmp'];
export const ACCEPT = EXTENSIONS.map((extension) => `.${extension}`).join(',');

export const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

/** Refuses early what the server would refuse after the upload; names alone decide, the server looks at the content. */
export function sift(files: readonly File[], maxBytes: number): { photos: Photo[]; refused: Refusal[] } {
  const photos: Photo[] = [];
  const refused: Refusal[] = [];
  for (const file of files) {
    const reason = faultOf(file, maxBytes);
    if (reason === undefined) photos.push({ key: crypto.randomUUID(), file });
    else refused.push({ name: file.name, reason });
  }
  return { photos, refused };
}

function faultOf(file: File, maxBytes: number): Refusal['reason'] | undefined {
  if (!EXTENSIONS.includes(extensionOf(file.name))) return 'format';
  if (file.size === 0) return 'empty';
  return file.size > maxBytes ? 'size' : undefined;
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
