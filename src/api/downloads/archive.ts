import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { CompletedOutcome, PhotoRecord } from '../../contracts/batch.ts';
import { photoId } from '../../contracts/ids.ts';
import type { Store } from '../../storage/store.ts';
import { resultName, UniqueNames } from './result-names.ts';

/** A result and the name it has in the archive. */
interface ArchiveEntry {
  readonly file: string;
  readonly record: PhotoRecord;
  readonly outcome: CompletedOutcome;
}

export interface Archive {
  readonly bytes: number;
  /** Names the content: the same results make the same archive, byte for byte. */
  readonly etag: string;
  readonly stream: NodeJS.ReadableStream;
  /** Closes what is open; the stream must not be read any more. */
  close(): void;
}

/** What `manifest.json` in the archive says of each result. */
const describeEntry = (batchId: string, { file, record, outcome }: ArchiveEntry): object => ({
  file,
  task_id: photoId(batchId, record.index),
  original: { name: record.name, bytes: record.bytes, ...outcome.original },
  bytes: outcome.result.bytes,
  sha256: outcome.result.sha256,
  content_type: outcome.result.contentType,
  width: outcome.result.width,
  height: outcome.result.height,
  recipe: outcome.recipe,
  processing_time: outcome.timings.totalMs / 1000,
  warnings: outcome.warnings,
});

/** Names all results; the list is what an archive needs in memory, the photos are not. */
export async function listEntries(
  results: AsyncIterable<{ record: PhotoRecord; outcome: CompletedOutcome }>,
): Promise<ArchiveEntry[]> {
  const names = new UniqueNames();
  names.take('manifest.json');
  const entries: ArchiveEntry[] = [];
  for await (const { record, outcome } of results) {
    entries.push({ file: names.take(resultName(record.name, outcome.result.extension)), record, outcome });
  }
  return entries;
}

/**
 * Lays out a ZIP of results, uncompressed because photos are compressed already: so its length is known before the first
 * byte is sent, and each photo is read from the store only when its turn comes.
 */
export async function openArchive(
  store: Store,
  batch: { readonly batchId: string; readonly createdAt: number; readonly total: number },
  entries: readonly ArchiveEntry[],
): Promise<Archive> {
  const zip = new ZipFile();
  let closed = false;
  let reading: Readable | undefined;
  const close = (error?: Error): void => {
    closed = true;
    reading?.destroy();
    (zip.outputStream as Readable).destroy(error);
  };
  const openNext = async (
    key: string,
    give: (error: unknown, content: NodeJS.ReadableStream) => void,
  ): Promise<void> => {
    try {
      reading = (await store.open(key)).once('error', close);
      if (closed) reading.destroy();
      else give(null, reading);
    } catch (error) {
      give(error, zip.outputStream);
    }
  };
  zip.on('error', close);
  for (const { file, outcome } of entries) {
    const options = { compress: false, size: outcome.result.bytes, mtime: new Date(outcome.finishedAt) };
    zip.addReadStreamLazy(file, options, (give) => {
      void openNext(outcome.result.key, give);
    });
  }
  const manifest = encodeManifest(batch, entries);
  zip.addBuffer(manifest, 'manifest.json', { compress: false, mtime: new Date(batch.createdAt) });
  const bytes = await new Promise<number>((resolve) => {
    // The declaration of yazl's types forgets the argument of this callback.
    zip.end(undefined, (size?: number) => resolve(size ?? -1));
  });
  const etag = `"zip-${createHash('sha256').update(manifest).digest('hex')}"`;
  return { bytes, etag, stream: zip.outputStream, close };
}

function encodeManifest(
  { batchId, createdAt, total }: { batchId: string; createdAt: number; total: number },
  entries: readonly ArchiveEntry[],
): Buffer {
  const photos = entries.map((entry) => describeEntry(batchId, entry));
  const manifest = { operation_id: batchId, created_at: createdAt / 1000, total_files: total, photos };
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}
