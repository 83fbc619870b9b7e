import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Remembers by content, not by time, what a piece of work was done for: a checkout or a clock cannot fool it. */

const SKIPPED = new Set(['node_modules', 'dist', '.git']);

/** Hash of the names and contents of files and folders below `root`; what is missing counts as missing. */
export function hashOf(root, names) {
  const hash = createHash('sha256');
  for (const path of names.flatMap((name) => filesBelow(join(root, name)))) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => !SKIPPED.has(name));
  return names.sort().flatMap((name) => filesBelow(join(path, name)));
}

/** Whether the work was done for this hash. */
export function isStamped(file, hash) {
  try {
    return readFileSync(file, 'utf8').trim() === hash;
  } catch {
    return false;
  }
}

export const stamp = (file, hash) => writeFileSync(file, `${hash}\n`);
