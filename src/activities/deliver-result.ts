import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname, join } from 'node:path';
import type { BatchHeader, PhotoRecord } from '../contracts/batch.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { photoId } from '../contracts/ids.ts';
import type { Compensation } from '../contracts/operations.ts';
import { keysBelow } from '../contracts/s3-place.ts';
import { preservedKey } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';
import { type FileIdentity, identifyFile, putFile, removeUnfinished } from '../storage/user-files.ts';
import { deliverObject, type ObjectDependencies } from './deliver-object.ts';
import { undoDelivery } from './undo-photo.ts';

export interface DeliveryDependencies extends ObjectDependencies {
  readonly store: Store;
}

interface Delivery {
  readonly header: BatchHeader;
  readonly record: PhotoRecord;
  /** The finished file, its content and its kind. */
  readonly result: {
    readonly path: string;
    readonly sha256: string;
    readonly extension: string;
    readonly contentType: string;
  };
  readonly signal: AbortSignal;
}

/**
 * Writes a result where the batch wants it besides the store, after registering how to undo that: an original is preserved
 * before it is replaced. Doing it again, after a crash at any point, comes to the same end.
 * @throws DarkroomError `destination_changed` when the file there is neither the original nor a result of ours.
 */
export async function deliverResult(deps: DeliveryDependencies, delivery: Delivery): Promise<void> {
  const { header, record, result, signal } = delivery;
  if (header.destination.kind === 's3') {
    const { bucket, prefix } = header.destination;
    const key = keysBelow(prefix) + nameOf(record, result);
    return deliverObject(deps, {
      batchId: header.batchId,
      index: record.index,
      place: { bucket, key },
      result,
      signal,
    });
  }
  const path = chooseTarget(delivery);
  if (path === undefined) return;
  await deliverFile(deps, delivery, path);
  // Deleted or rolled back in this very moment: whoever undid it may have looked before the file was there.
  const place = { batchId: header.batchId, index: record.index };
  if (await deps.journal.isRemoved(place.batchId, place.index))
    await undoDelivery(deps, { ...place, again: true }, signal);
}

async function deliverFile(deps: DeliveryDependencies, delivery: Delivery, path: string): Promise<void> {
  const { header, record, result } = delivery;
  const current = await identifyFile(path);
  if (header.destination.kind === 'in_place') await requireUntouched(deps, delivery, current);
  const compensation = await registerCompensation(deps, header.batchId, record.index, path, current);
  if (current?.sha256 === result.sha256) return;
  const expected = compensation.kind === 'restore' ? compensation.originalSha256 : undefined;
  const ours = await deps.journal.deliveries.digests(header.batchId, record.index);
  if (current?.sha256 !== expected && !(current && ours.has(current.sha256)))
    throw new DarkroomError('destination_changed');
  const photo = photoId(header.batchId, record.index);
  // An earlier attempt was about to write: if it was killed over that, its copy lies there under a name of its own.
  if (ours.size > 0) await removeUnfinished(path, photo);
  await deps.journal.deliveries.note(header.batchId, record.index, result.sha256);
  const mode = compensation.kind === 'restore' ? { mode: compensation.mode } : {};
  await putFile(path, result.path, { photo, nonce: deps.makeNonce(), ...mode });
}

/** Someone may have edited the photo while it was in the engine: their work must not be replaced by an older picture. */
async function requireUntouched(
  { journal }: DeliveryDependencies,
  { header, record: { index, original } }: Delivery,
  current: FileIdentity | undefined,
): Promise<void> {
  if (original.kind !== 'path' || (await journal.deliveries.compensation(header.batchId, index))) return;
  const same = current?.bytes === original.bytes && Math.abs(current.modifiedUs / 1000 - original.modifiedMs) <= 1;
  if (!same) throw new DarkroomError('source_changed');
}

function chooseTarget({ header: { destination }, record, result }: Delivery): string | undefined {
  switch (destination.kind) {
    case 'store':
    case 's3':
      return undefined;
    case 'folder':
      return join(destination.path, nameOf(record, result));
    case 'in_place': {
      if (record.original.kind !== 'path')
        throw new DarkroomError('not_in_place', 'An upload has no place of its own.');
      const { path } = record.original;
      if (resultName(path, result.extension) !== path) throw new DarkroomError('not_in_place');
      return path;
    }
  }
}

const nameOf = ({ target, name }: PhotoRecord, { extension }: Delivery['result']): string =>
  resultName(target ?? name, extension);

/** `a/b.JPG` keeps its spelling for a `.jpg` result; `a/b.bmp` becomes `a/b.png`. */
export function resultName(path: string, extension: string): string {
  const own = extname(path);
  const same = own.toLowerCase() === extension || EQUIVALENT[own.toLowerCase()] === extension;
  return same ? path : `${path.slice(0, path.length - own.length)}${extension}`;
}

const EQUIVALENT: Record<string, string> = { '.jpeg': '.jpg', '.tif': '.tiff' };

async function registerCompensation(
  { journal, store }: DeliveryDependencies,
  batchId: string,
  index: number,
  path: string,
  current: FileIdentity | undefined,
): Promise<Compensation> {
  const known = await journal.deliveries.compensation(batchId, index);
  if (known) return known;
  if (!current) {
    await journal.deliveries.registerCompensation(batchId, { kind: 'remove', index, path });
  } else {
    const key = preservedKey(batchId, index, current.sha256);
    await store.write(key, unchanged(createReadStream(path), current.sha256), { onlyIfAbsent: true });
    await journal.deliveries.registerCompensation(batchId, {
      kind: 'restore',
      index,
      path,
      preservedKey: key,
      originalSha256: current.sha256,
      mode: current.mode,
      modifiedUs: current.modifiedUs,
    });
  }
  const registered = await journal.deliveries.compensation(batchId, index);
  if (!registered) throw new DarkroomError('storage_unavailable', 'A record that was just written cannot be read.');
  return registered;
}

/**
 * The bytes as they come, as long as they end up being the ones that were looked at: between looking and reading another attempt may
 * have put its result there, which must never be preserved as an original.
 * @throws DarkroomError `destination_changed`; what is written of them is then not kept.
 */
async function* unchanged(bytes: AsyncIterable<Uint8Array>, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256)
    throw new DarkroomError('destination_changed', 'The file is being changed by someone else.');
}
