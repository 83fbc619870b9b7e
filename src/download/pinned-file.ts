import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';

/** A file of which every byte is known beforehand. */
export interface PinnedFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal, lower case. */
  readonly sha256: string;
}

/** How far a download is, in bytes. */
export interface DownloadProgress {
  readonly done: number;
  readonly total: number;
}

/** Reads a file through and answers its SHA-256 as hexadecimal. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, ...(signal ? [{ signal }] : []));
  return hash.digest('hex');
}

/** Whether `path` holds exactly the pinned bytes; false also when there is no such file. */
export async function isPinned(path: string, file: PinnedFile, signal?: AbortSignal): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size !== file.bytes) return false;
  return (await sha256OfFile(path, signal)) === file.sha256;
}

/**
 * Refuses a file that is not the pinned one.
 * @throws DarkroomError `download_corrupt`; the sentence tells a wrong size from a wrong checksum.
 */
export async function requirePinned(path: string, file: PinnedFile, signal?: AbortSignal): Promise<void> {
  const { size } = await stat(path);
  if (size !== file.bytes) {
    throw new DarkroomError('download_corrupt', `${file.name} has ${size} bytes where ${file.bytes} are expected.`);
  }
  const found = await sha256OfFile(path, signal);
  if (found === file.sha256) return;
  throw new DarkroomError(
    'download_corrupt',
    `${file.name} has the SHA-256 ${found} where ${file.sha256} is expected; it was not used.`,
  );
}

/** Makes a finished file survive a power cut before it gets its name. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What is wrong with the disk keeps its own code; everything else that happened on the way is `download_failed`. */
export function asDownloadError(thrown: unknown, sentence: string): DarkroomError {
  const known = asDarkroomError(thrown);
  return known.code === 'internal' ? new DarkroomError('download_failed', sentence, { cause: thrown }) : known;
}
