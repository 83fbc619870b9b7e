import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Makes a small noisy photo; its format is that of its name. */
export async function makePhoto(path: string, width: number, height: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  await sharp({ create: { width, height, channels: 3, background: '#888', noise } }).toFile(path);
}

/** Gives a file a mode and a modification time that nobody would come upon by chance. */
export async function makeOdd(path: string, mode: number, modifiedUs: number): Promise<void> {
  await chmod(path, mode);
  await utimes(path, 1_700_000_000, (modifiedUs + 0.5) / 1e6);
}

/** A hash of everything below a folder: names, contents, modes, and of files the modification time in microseconds. */
export async function hashTree(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const { mode, mtimeNs } = await stat(join(folder, name), { bigint: true });
    const isFile = (await stat(join(folder, name))).isFile();
    const content = isFile ? `${mtimeNs / 1000n} ${(await readFile(join(folder, name))).toString('base64')}` : '';
    hash.update(`${name}\0${mode}\0${content}\n`);
  }
  return hash.digest('hex');
}

export async function sizeOf(path: string): Promise<[number, number]> {
  const { width, height } = await sharp(await readFile(path)).metadata(); // sharp remembers what it read from a path
  return [width, height];
}
