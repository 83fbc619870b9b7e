import { copyFile, open, rename, rm } from 'node:fs/promises';

/** Files that are still there after the power went: flush the file, then the directory that names it. */

/** Makes the names in a directory durable. Some file systems cannot; what they promise by themselves must do then. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EPERM')))
      throw error;
  } finally {
    await directory.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Copies a file and flushes it; with `move` the source is renamed where possible and gone in any case. */
export async function copyDurably(from: string, to: string, options: { move?: boolean } = {}): Promise<void> {
  if (options.move) {
    await syncFile(from);
    try {
      await rename(from, to);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    }
  }
  try {
    await copyFile(from, to);
    await syncFile(to);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
  if (options.move) await rm(from, { force: true });
}
