import { copyFileSync, openSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';

/** Logs of the house's processes: two files each, of about this length. */

const LIMIT_BYTES = 10_000_000;

const lengthOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const earlier = (path: string): string => `${path}.1`;

/** Opens for appending; what has grown too long is kept once under another name. */
export function openLog(path: string): number {
  if (lengthOf(path) > LIMIT_BYTES) renameSync(path, earlier(path));
  return openSync(path, 'a', 0o600);
}

/** The same under a process that writes on: it appends, so the file may be emptied below it. Lines of that very moment may go. */
export function shortenLog(path: string): void {
  const length = lengthOf(path);
  if (length <= LIMIT_BYTES) return;
  try {
    copyFileSync(path, earlier(path));
  } catch {
    // A full disk: an older log makes room for the newer one, which goes as well before it fills the disk alone.
    rmSync(earlier(path), { recursive: true, force: true });
    if (length < 2 * LIMIT_BYTES) return;
  }
  truncateSync(path);
}
