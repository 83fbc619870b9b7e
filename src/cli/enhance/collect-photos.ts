import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { PHOTO_NAME } from '../../api/sources/walk-bucket.ts';
import { isS3Address, type S3Place } from '../../contracts/s3-place.ts';
import type { Buckets } from '../../storage/buckets.ts';
import { collectBucket } from './collect-bucket.ts';

/** A file, or an object of a bucket, that is to be enhanced. */
export interface FoundPhoto {
  /** Absolute; of an object its address, `s3://bucket/key`. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Of an object: names its content. */
  readonly etag?: string | undefined;
  /** Its name in the results' folder, folders below a named folder included; `/` separates. */
  readonly name: string;
  /** The name its batch was told, where a worker puts results in their place. */
  readonly target?: string | undefined;
}

export interface Collected {
  readonly photos: readonly FoundPhoto[];
  /** Sentences about paths that cannot be used. */
  readonly faults: readonly string[];
}

/** Where the photos of a command line may lie. */
export interface Places {
  /** Relative paths start here. */
  readonly directory: string;
  readonly buckets: Pick<Buckets, 'list' | 'stat'>;
  /** Whether a place in a bucket is where the store lies: what is there are no photos of people. */
  readonly isOurs: (place: S3Place) => boolean;
}

/**
 * Finds the photos that a command line means: files as they are, folders with everything below them in the order of names;
 * the same of buckets. In folders, what is named like a photo is one; files named one by one are taken whatever their names. Hidden files and the results' own folder are passed over; a folder is entered once, however many links lead to it.
 * Without a results' folder names are not made unique: nothing is written under them.
 */
export async function collectPhotos(
  paths: readonly string[],
  { directory, buckets, isOurs }: Places,
  outDir: string | undefined,
): Promise<Collected> {
  const photos = new Map<string, FoundPhoto>();
  const faults: string[] = [];
  const realOutDir = outDir === undefined ? undefined : await realpath(outDir).catch(() => outDir);
  const walk: Walk = { outDir: realOutDir, seen: new Set(), photos };
  for (const given of paths) {
    if (isS3Address(given)) {
      const fault = await collectBucket(given, { buckets, isOurs, outDir }, photos);
      if (fault !== undefined) faults.push(fault);
      continue;
    }
    const path = resolve(directory, given);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) faults.push(`${given} does not exist or cannot be read.`);
    else if (found.isDirectory()) await enter(walk, path, path);
    else if (found.isFile()) await take(walk, path, basename(path));
    else faults.push(`${given} is neither a file nor a folder.`);
  }
  const found = [...photos.values()];
  return { photos: outDir === undefined ? found : giveOwnNames(found), faults };
}

interface Walk {
  readonly outDir: string | undefined;
  readonly seen: Set<string>;
  readonly photos: Map<string, FoundPhoto>;
}

async function enter(walk: Walk, top: string, folder: string): Promise<void> {
  const real = await realpath(folder);
  // The results of the last run are no photos of this one; a folder that was named itself is meant, though.
  if (walk.seen.has(real) || (real === walk.outDir && folder !== top)) return;
  walk.seen.add(real);
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined); // a link that leads nowhere is no photo
    if (found?.isDirectory()) await enter(walk, top, path);
    else if (found?.isFile() && PHOTO_NAME.test(name)) {
      await take(walk, path, relative(top, path).split(sep).join('/'));
    }
  }
}

async function take(walk: Walk, path: string, name: string): Promise<void> {
  const real = await realpath(path);
  if (walk.photos.has(real)) return;
  const { size, mtimeMs } = await stat(path);
  walk.photos.set(real, { path, bytes: size, modifiedMs: mtimeMs, name });
}

/** Two photos of one name from two folders become `a.jpg` and `a-2.jpg`; capitals make no difference, as on many disks. */
function giveOwnNames(photos: readonly FoundPhoto[]): FoundPhoto[] {
  const taken = new Set<string>();
  return photos.map((photo) => {
    const extension = extname(photo.name);
    const name = freeName(photo.name.slice(0, photo.name.length - extension.length), extension, taken);
    taken.add(name.toLowerCase());
    return { ...photo, name };
  });
}

/** `stem.ext`, or the first of `stem-2.ext`, `stem-3.ext`, … that is not taken (in lower case). */
export function freeName(stem: string, extension: string, taken: { has(name: string): boolean }): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? `${stem}${extension}` : `${stem}-${number}${extension}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}
