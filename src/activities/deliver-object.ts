import { createReadStream } from 'node:fs';
import { DarkroomError } from '../contracts/errors.ts';
import type { Compensation } from '../contracts/operations.ts';
import { s3Address, type S3Place } from '../contracts/s3-place.ts';
import type { Buckets, FoundObject } from '../storage/buckets.ts';
import type { Journal } from '../storage/journal.ts';

/** Results in buckets of others: an object is made where there is none, changed only while it is ours, and so removed again. */

export interface ObjectDependencies {
  readonly journal: Journal;
  readonly buckets: Buckets;
  readonly makeNonce: () => string;
}

interface PhotoPlace {
  readonly batchId: string;
  readonly index: number;
  readonly signal: AbortSignal;
}

interface ObjectDelivery extends PhotoPlace {
  readonly place: S3Place;
  readonly result: { readonly path: string; readonly sha256: string; readonly contentType: string };
}

/**
 * Writes a result as an object, after registering how to undo that. What is there already stays, unless an earlier attempt
 * at this photo made it; the server has the last word (`If-None-Match`, `If-Match`), so that of two writers one is told.
 * @throws DarkroomError `destination_changed`, `bucket_refused`, `storage_unavailable`.
 */
export async function deliverObject(deps: ObjectDependencies, delivery: ObjectDelivery): Promise<void> {
  const { journal, buckets, makeNonce } = deps;
  const { batchId, index, place, result, signal } = delivery;
  const current = await buckets.stat(place, signal);
  const ours = current && (await ownContent(deps, delivery, current, place));
  if (current && ours === undefined) throw taken(place);
  await journal.deliveries.registerCompensation(batchId, { kind: 'remove_object', index, ...place });
  await journal.deliveries.note(batchId, index, result.sha256);
  if (current && ours === result.sha256)
    return journal.deliveries.noteObject(batchId, index, result.sha256, current.etag);
  const etag = await buckets.write(place, createReadStream(result.path, { highWaterMark: READ_BYTES }), {
    onlyIf: current ? { etag: current.etag } : 'absent',
    contentType: result.contentType,
    nonce: makeNonce(),
    signal,
  });
  if (etag === undefined) throw taken(place);
  await journal.deliveries.noteObject(batchId, index, result.sha256, etag);
  // Deleted or rolled back in this very moment: whoever undid it may have looked before there was an object.
  if (await journal.isRemoved(batchId, index)) await buckets.remove(place, etag, signal);
}

const READ_BYTES = 256 * 1024;

const taken = (place: S3Place): DarkroomError =>
  new DarkroomError(
    'destination_changed',
    `${s3Address(place)} is there already and not from this batch; it was left alone.`,
  );

/** Removes the object of a delivery as long as it is what was delivered. */
export async function undoObject(
  deps: ObjectDependencies,
  photo: PhotoPlace,
  { bucket, key }: Extract<Compensation, { kind: 'remove_object' }>,
): Promise<{ result: 'undone' | 'left_changed'; message: string }> {
  const { buckets } = deps;
  const { signal } = photo;
  const place = { bucket, key };
  const current = await buckets.stat(place, signal);
  if (!current) return { result: 'undone', message: 'The object is gone.' };
  const ours = await ownContent(deps, photo, current, place);
  if (ours !== undefined && (await buckets.remove(place, current.etag, signal))) {
    return { result: 'undone', message: 'The object that was created was removed.' };
  }
  return { result: 'left_changed', message: 'The object was changed by someone since; it was left alone.' };
}

/**
 * SHA-256 of what is there, if a delivery of this photo wrote it. The ETag says so; where a worker died before it could note
 * that, the content is read.
 */
async function ownContent(
  { journal, buckets }: ObjectDependencies,
  { batchId, index, signal }: PhotoPlace,
  current: FoundObject,
  place: S3Place,
): Promise<string | undefined> {
  const deliveries = await journal.deliveries.objects(batchId, index);
  const known = deliveries.find(({ etag }) => etag === current.etag);
  if (known) return known.sha256;
  if (!deliveries.some(({ etag }) => etag === undefined)) return undefined;
  const sha256 = await buckets.digest(place, { etag: current.etag, signal });
  return deliveries.some((delivery) => delivery.sha256 === sha256) ? sha256 : undefined;
}
