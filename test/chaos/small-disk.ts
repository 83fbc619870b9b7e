import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MOUNT = '/bin/mount';
const SIZE = '96m';

/** A directory on a small disk of its own, which can be filled without harm to others. Needs root on Linux. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static readonly possible = canMount();

  static mount(): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), 'darkroom-disk-'));
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path]);
    return new SmallDisk(path);
  }

  async unmount(): Promise<void> {
    execFileSync('/bin/umount', ['--lazy', this.path]);
    await rmdir(this.path);
  }
}

function canMount(): boolean {
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    try {
      const path = mkdtempSync(join(tmpdir(), 'darkroom-disk-'));
      execFileSync('/bin/sh', [
        '-c',
        `mount -t tmpfs -o size=1m tmpfs "$0" && umount "$0"; code=$?; rmdir "$0"; exit $code`,
        path,
      ]);
      return true;
    } catch {
      // a container without the right to mount
    }
  }
  console.warn('A small disk cannot be mounted here (that needs root on Linux): the full disk is skipped.');
  return false;
}

/** Takes every byte that is free. @returns what gives them back. */
export async function fillDisk(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'filler');
  const file = await open(path, 'w');
  const block = Buffer.alloc(1 << 16);
  try {
    for (let size = block.length; size > 0;) {
      try {
        await file.write(block, 0, size);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        size >>= 1;
      }
    }
  } finally {
    await file.close();
  }
  return () => rm(path, { force: true });
}
