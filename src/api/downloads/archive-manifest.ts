import { crc32 } from 'node:zlib';
import type { BatchHeader, CompletedOutcome, FailedOutcome, PhotoRecord } from '../../contracts/batch.ts';
import { photoId } from '../../contracts/ids.ts';

/**
 * `manifest.json` of an archive, written in pieces: for a hundred thousand photos it is larger than what should be in memory,
 * so its pieces are made once to be measured, and again, from the same journal, when they are sent.
 */

/** A piece, with the length and checksum that it must have when it is made again. */
export interface Piece {
  readonly bytes: number;
  readonly crc32: number;
  make(): Promise<string>;
}

export interface Counts {
  readonly completed: number;
  readonly failed: number;
}

/** Measures pieces one after the other. */
export class PieceList {
  readonly pieces: Piece[] = [];
  bytes = 0;
  /** Of all of them together. */
  crc32 = 0;

  add(text: string, make: () => Promise<string> = () => Promise.resolve(text)): void {
    const content = Buffer.from(text);
    if (content.length === 0) return;
    this.pieces.push({ bytes: content.length, crc32: crc32(content), make });
    this.bytes += content.length;
    this.crc32 = crc32(content, this.crc32);
  }
}

export const manifestHead = ({ batchId, createdAt, total }: BatchHeader): string =>
  `{\n  "operation_id": ${JSON.stringify(batchId)},\n  "created_at": ${createdAt / 1000},\n  "total_files": ${total},\n  "photos": [`;

export const MANIFEST_MIDDLE = '\n  ],\n  "failed": [';

export const manifestTail = ({ completed, failed }: Counts): string =>
  `\n  ],\n  "completed_files": ${completed},\n  "failed_files": ${failed}\n}\n`;

/** Lines of a list; `first` is false when lines of it came before. */
export const manifestLines = (entries: readonly object[], first: boolean): string =>
  entries.map((entry, at) => `${first && at === 0 ? '' : ','}\n    ${JSON.stringify(entry)}`).join('');

export const describeResult = (
  batchId: string,
  file: string,
  { index, name, bytes }: PhotoRecord,
  { result, original, recipe, timings, warnings }: CompletedOutcome,
): object => ({
  file,
  task_id: photoId(batchId, index),
  original: { name, bytes, ...original },
  bytes: result.bytes,
  sha256: result.sha256,
  content_type: result.contentType,
  width: result.width,
  height: result.height,
  recipe,
  processing_time: timings.totalMs / 1000,
  warnings,
});

export const describeFailure = (
  batchId: string,
  { index, name, bytes }: PhotoRecord,
  { error, attempts }: FailedOutcome,
): object => ({
  task_id: photoId(batchId, index),
  original: { name, bytes },
  attempts,
  error_code: error.code,
  error: error.message,
  hint: error.hint,
});
