import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isAllowed, isWithin, type Territory } from './roots.ts';

/** A file of a source folder. */
export interface FoundFile {
  /** Real path: the file itself, whatever links lead to it. */
  readonly path: string;
  /** From the source folder on, `/` separates. */
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface Passed {
  readonly path: string;
  readonly reason: string;
}

interface Walk {
  readonly territory: Territory;
  readonly recursive: boolean;
  /** A folder that is passed over: results must not become photos of the next batch. */
  readonly except: string | undefined;
  readonly onPassed: (passed: Passed) => void;
  readonly signal: AbortSignal;
}

/**
 * Files of a folder in the order of names, hidden ones passed over. Links are followed as long as they stay where callers
 * may go; a file or folder is met once, however many links lead to it.
 */
export async function* walkFolder(folder: string, walk: Walk): AsyncGenerator<FoundFile> {
  const seen = new Set<string>();
  yield* enter(folder);

  async function* enter(place: string): AsyncGenerator<FoundFile> {
    walk.signal.throwIfAborted();
    const real = await realpath(place);
    if (seen.has(real)) return;
    seen.add(real);
    for (const entry of await entriesOf(place)) {
      if (entry.name.startsWith('.')) continue;
      yield* meet(entry, join(place, entry.name));
    }
  }

  async function* meet(entry: Dirent, path: string): AsyncGenerator<FoundFile> {
    const name = relative(folder, path).split(sep).join('/');
    try {
      // Asked of every entry, not of links alone: what was a folder a moment ago may be a link by now.
      const real = await realpath(path);
      if (!isAllowed(walk.territory, real)) {
        if (entry.isSymbolicLink())
          walk.onPassed({ path: name, reason: 'It is a link that leads out of the folders allowed.' });
        return;
      }
      const found = await stat(real);
      if (found.isFile() && !seen.has(real)) {
        seen.add(real);
        yield { path: real, name, bytes: found.size, modifiedMs: found.mtimeMs };
      }
      const skipped = walk.except !== undefined && isWithin(walk.except, real);
      if (found.isDirectory() && walk.recursive && !skipped) yield* enter(path);
    } catch (error) {
      walk.signal.throwIfAborted();
      if (!isSystemError(error)) throw error;
      walk.onPassed({ path: name, reason: 'It cannot be read.' });
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.sort((left, right) => (left.name < right.name ? -1 : 1));
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;
