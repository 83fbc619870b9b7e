import type { PhotoToPlan } from '../../batches/plan-photos.ts';
import type { PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { SizeLimits } from '../../contracts/result-size.ts';
import { openSource, type SourceDoors } from '../../outgoing/open-source.ts';
import { sideBySide } from '../../storage/side-by-side.ts';
import { examinePhoto } from '../uploads/photo-records.ts';

interface Look {
  readonly limits: SizeLimits;
  /** Of one photo, as a batch would take it. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** Photos asked for in one plan, the bytes of each, and how long it all may take: a plan is an answer, not a download. */
const LOOKED_AT = 100;
const FIRST_BYTES = 256 * 1024;
const ONE_MS = 8000;
const ALL_MS = 20_000;
const AT_ONCE = 8;

/** What is no fault of the photo, and may be otherwise when its turn comes. */
const PASSING = new Set(['address_unreachable', 'storage_unavailable', 'storage_full']);
const NOT_LOOKED_AT = 'It was not looked at: its size is known when it is fetched.';

/**
 * Sizes of photos that lie elsewhere, out of their first bytes; the first hundred are asked for. Of what could not be
 * looked at it is said that nothing can be said.
 */
export async function lookAhead(
  doors: SourceDoors,
  photos: readonly PhotoRecord[],
  { signal, ...look }: Look,
): Promise<PhotoToPlan[]> {
  const late = AbortSignal.timeout(ALL_MS);
  const either = AbortSignal.any([signal, late]);
  const planned = photos.map(({ name, refused }): PhotoToPlan =>
    refused ? { name, refused } : { name, unknown: NOT_LOOKED_AT },
  );
  const asked = [...photos.entries()].filter(([, { refused }]) => !refused).slice(0, LOOKED_AT);
  await sideBySide(asked, AT_ONCE, async ([index, photo]) => {
    if (late.aborted) return;
    try {
      planned[index] = { name: photo.name, ...(await lookAt(doors, photo, { ...look, signal: either })) };
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted) return;
      if (!(error instanceof DarkroomError)) throw error;
      const { code, message } = error;
      planned[index] = {
        name: photo.name,
        ...(PASSING.has(code) ? { unknown: message } : { refused: { code, message } }),
      };
    }
  });
  return planned;
}

async function lookAt(
  doors: SourceDoors,
  { original }: PhotoRecord,
  { limits, maxBytes, signal }: Look,
): Promise<Omit<PhotoToPlan, 'name'>> {
  if (original.kind !== 'upload' || original.from === undefined) return { unknown: NOT_LOOKED_AT };
  const { from, etag } = original;
  const source = await openSource(doors, { from, etag, first: FIRST_BYTES, timeoutMs: ONE_MS, maxBytes, signal });
  const head = await readFirst(source.bytes).finally(() => source.close());
  const { photo, refused } = await examinePhoto(head, limits);
  if (photo) return { size: photo };
  // A header may be longer than what was read of it.
  const cut = head.length >= FIRST_BYTES && refused.code === 'image_unreadable';
  return cut ? { unknown: 'Its first bytes do not say how large it is.' } : { refused };
}

async function readFirst(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    length += chunk.byteLength;
    if (length >= FIRST_BYTES) break;
  }
  return Buffer.concat(chunks);
}
