import { stat } from 'node:fs/promises';
import type { Destination } from '../../contracts/batch.ts';
import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { NewBatchRequest } from '../../contracts/http-batch-requests.ts';
import { asFolder, isInFolder } from '../../contracts/s3-place.ts';
import type { Buckets } from '../../storage/buckets.ts';
import { requirePlace } from './bucket-places.ts';
import { isWithin, locateNew, refuse, type Territory } from './roots.ts';

interface Ground {
  readonly territory: Territory;
  readonly config: Config;
  readonly buckets: Buckets;
}

/** Where results go besides the store: a place that callers may name, and that does not hold the photos themselves. */
export async function chooseDestination(
  ground: Ground,
  { source, destination = { kind: 'store' } }: NewBatchRequest,
  folder: string | undefined,
  signal: AbortSignal,
): Promise<Destination> {
  if (destination.kind === 's3') return chooseBucket(ground, source, destination, signal);
  if (destination.kind !== 'folder') return destination;
  const pointer = '/destination/path';
  const path = await locateNew(ground.territory, destination.path, pointer);
  const known = await stat(path).catch(() => undefined);
  if (known && !known.isDirectory()) throw refuse(pointer, 'is not a folder');
  if (folder !== undefined && isWithin(path, folder)) {
    throw refuse(pointer, 'holds the source folder; say "in_place" to replace the photos themselves');
  }
  return { kind: 'folder', path };
}

async function chooseBucket(
  { config, buckets }: Ground,
  source: NewBatchRequest['source'],
  { bucket, prefix = '' }: { bucket: string; prefix?: string | undefined },
  signal: AbortSignal,
): Promise<Destination> {
  const pointer = '/destination/prefix';
  const place = requirePlace(config, 'S3_DESTINATIONS', { bucket, key: asFolder(prefix) ?? '' }, pointer);
  const holdsSource =
    source?.kind === 's3' && isInFolder(place, { bucket: source.bucket, key: asFolder(source.prefix ?? '') ?? '' });
  if (holdsSource) throw refuse(pointer, 'holds the source, whose photos would be in the way of their results');
  if (!(await buckets.has(bucket, signal))) throw new DarkroomError('bucket_refused', `There is no bucket ${bucket}.`);
  return { kind: 's3', bucket, prefix: place.key };
}
