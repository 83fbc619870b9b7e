import { open, type FileHandle } from 'node:fs/promises';

/** Copies a file with other bytes at its beginning and its end; memory does not grow with the file. */

const COPY_BYTES = 1024 * 1024;

export interface Splice {
  /** Written before everything else. */
  readonly head: Buffer;
  /** Where copying begins. */
  readonly from: number;
  readonly tail?: Buffer;
}

export async function splice(sourcePath: string, targetPath: string, { head, from, tail }: Splice): Promise<void> {
  const source = await open(sourcePath, 'r');
  try {
    const target = await open(targetPath, 'w');
    try {
      await writeAll(target, head);
      const buffer = Buffer.allocUnsafe(COPY_BYTES);
      for (let at = from; ;) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        await writeAll(target, buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      if (tail !== undefined) await writeAll(target, tail);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}

/** The first bytes of a file; fewer when it is shorter. */
export async function readStart(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
