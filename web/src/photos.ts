/** Photos as the person picked them, before anything is sent. */

export interface Chosen {
  /** Of this page alone; tells two files of the same name apart. */
  readonly key: string;
  readonly file: File;
  /** A small picture as a `data:` address. Absent until made, and for files that this browser cannot draw. */
  thumb?: string;
  /** Upright size in pixels. */
  width?: number;
  height?: number;
  /** Set when the browser has tried to draw it, successfully or not. */
  looked?: boolean;
}

export interface Refusal {
  readonly name: string;
  readonly reason: 'format' | 'size' | 'empty' | 'twice';
}

const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'tif', 'tiff', 'gif', 'bmp'];
export const ACCEPT = EXTENSIONS.map((extension) => `.${extension}`).join(',');

export const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

/** Refuses early what the server would refuse after the upload; names alone decide, the server looks at the content. */
export function sift(
  files: readonly File[],
  known: readonly Chosen[],
  maxBytes: number,
): { photos: Chosen[]; refused: Refusal[] } {
  const photos: Chosen[] = [];
  const refused: Refusal[] = [];
  const seen = new Set(known.map(({ file }) => markOf(file)));
  for (const file of files) {
    const reason = seen.has(markOf(file)) ? 'twice' : faultOf(file, maxBytes);
    if (reason === undefined) photos.push({ key: crypto.randomUUID(), file });
    else refused.push({ name: file.name, reason });
    seen.add(markOf(file));
  }
  return { photos, refused };
}

/** Two files with all of this in common are the same photo dropped twice. */
const markOf = ({ name, size, lastModified }: File): string => `${name} ${size} ${lastModified}`;

function faultOf(file: File, maxBytes: number): Refusal['reason'] | undefined {
  if (!EXTENSIONS.includes(extensionOf(file.name))) return 'format';
  if (file.size === 0) return 'empty';
  return file.size > maxBytes ? 'size' : undefined;
}
