import type { ByteRange } from './byte-ranges.ts';
import type { ZipLayout } from './zip-layout.ts';

/** Bytes of a member's content, both ends included. */
export type ReadContent = (index: number, range: ByteRange) => AsyncIterable<Uint8Array>;

/** Lines of the directory that are made and sent at once. */
const ENTRIES_AT_ONCE = 500;

/**
 * The bytes of a ZIP from `start` to `end`, both included. Members are opened one after the other, each when its turn comes;
 * one that is not as long as was announced breaks the whole off, since everything after it would lie elsewhere.
 */
export async function* readZip(
  layout: ZipLayout,
  readContent: ReadContent,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const lastContent = Math.min(end, layout.directoryAt - 1);
  if (start <= lastContent) {
    for (let index = layout.memberAt(start); index <= layout.memberAt(lastContent); index += 1) {
      yield* readMember(layout, readContent, index, { start, end: lastContent });
    }
  }
  const directoryEnd = layout.entryStartOf(layout.members.length);
  const lastEntry = Math.min(end, directoryEnd - 1);
  if (start <= lastEntry && end >= layout.directoryAt) {
    for (let index = layout.entryAt(start); index <= layout.entryAt(lastEntry); index += ENTRIES_AT_ONCE) {
      const next = Math.min(index + ENTRIES_AT_ONCE, layout.members.length);
      const entries = Array.from({ length: next - index }, (_, place) => layout.entry(index + place));
      yield* cut(Buffer.concat(entries), layout.entryStartOf(index), { start, end });
    }
  }
  yield* cut(layout.end(), directoryEnd, { start, end });
}

async function* readMember(
  layout: ZipLayout,
  readContent: ReadContent,
  index: number,
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  const member = layout.members[index];
  if (!member) return;
  const header = layout.header(member);
  const contentAt = layout.startOf(index) + header.length;
  yield* cut(header, layout.startOf(index), range);
  const from = Math.max(range.start - contentAt, 0);
  const to = Math.min(range.end - contentAt, member.bytes - 1);
  if (from > to) return;
  let expected = to - from + 1;
  for await (const chunk of readContent(index, { start: from, end: to })) {
    expected -= chunk.byteLength;
    if (expected < 0) break;
    yield chunk;
  }
  if (expected !== 0)
    throw new Error(`Expected ${member.bytes} bytes of ${member.name} but its content has another length`);
}

/** The part of a piece that lies within a range. */
function* cut(piece: Buffer, pieceAt: number, { start, end }: ByteRange): Generator<Uint8Array> {
  const part = piece.subarray(Math.max(start - pieceAt, 0), Math.max(end - pieceAt + 1, 0));
  if (part.length > 0) yield part;
}
