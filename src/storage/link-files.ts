import { link } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './durable-files.ts';
import { sideBySide } from './side-by-side.ts';

/** A finished file of this host, and the key that it is to have as an object. */
export interface FileToShare {
  readonly path: string;
  readonly key: string;
}

const AT_ONCE = 16;

/**
 * Links files into a store. Directories are flushed once each at the end, not once for every file: a hundred thousand
 * photos are shared in seconds.
 */
export async function linkFiles(
  files: readonly FileToShare[],
  places: { resolve: (key: string) => Promise<string>; copy: (file: FileToShare) => Promise<unknown> },
): Promise<void> {
  const directories = new Set<string>();
  await sideBySide(files, AT_ONCE, async (file) => {
    const target = await places.resolve(file.key);
    try {
      await link(file.path, target);
      directories.add(dirname(target));
    } catch (error) {
      if (!cannotLink(error)) throw error;
      await places.copy(file);
    }
  });
  for (const directory of directories) await syncDirectory(directory);
}

/** The file is on another file system, or this one has no links. */
const cannotLink = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(String(error.code));
