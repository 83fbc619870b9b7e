import type { Check, Seen } from '../../checks/finding.ts';
import { asDarkroomError, DarkroomError } from '../../contracts/errors.ts';
import { parseS3Folder } from '../../contracts/s3-place.ts';
import type { LoadedConfig } from '../../load-config.ts';
import { openBuckets, type Buckets } from '../../storage/buckets.ts';

const PATIENCE_MS = 4_000;

/**
 * The buckets that callers may name, when the configuration has any. Looks only: whether a destination may also be written is
 * found out by the first batch, because the doctor leaves nothing behind.
 */
export const bucketCheck: Check<LoadedConfig> = { name: 'buckets', look: ({ config }) => checkBuckets(config) };

export const namesBuckets = ({ config }: LoadedConfig): boolean =>
  config.S3_SOURCES.length + config.S3_DESTINATIONS.length > 0;

async function checkBuckets(config: LoadedConfig['config']): Promise<Seen> {
  const buckets = openBuckets(config);
  const places = [
    ...config.S3_SOURCES.map((address) => ({ setting: 'S3_SOURCES', address })),
    ...config.S3_DESTINATIONS.map((address) => ({ setting: 'S3_DESTINATIONS', address })),
  ];
  const looked = await Promise.all(
    places.map(async ({ setting, address }) => ({ setting, address, error: await faultOf(buckets, setting, address) })),
  );
  const faults = looked.flatMap(({ setting, address, error }) =>
    error === undefined ? [] : [{ text: `${setting} ${address}: ${error.message}`, error }],
  );
  const [first] = faults;
  if (first === undefined) {
    return { state: 'ok', message: `${places.map(({ address }) => address).join(', ')}: there and readable.` };
  }
  return {
    state: 'fault',
    message: faults.map(({ text }) => text).join(' '),
    remedy: first.error.definition.hint,
    code: first.error.code,
  };
}

/** A source must let us list it; of a destination its bucket must be there. */
async function faultOf(buckets: Buckets, setting: string, address: string): Promise<DarkroomError | undefined> {
  const place = parseS3Folder(address);
  if (place === undefined) throw new Error(`Expected the address of a bucket's folder but received ${address}`);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    if (setting === 'S3_SOURCES') {
      for await (const _ of buckets.list(place, { recursive: false, signal })) break;
      return undefined;
    }
    if (await buckets.has(place.bucket, signal)) return undefined;
    return new DarkroomError('bucket_refused', `There is no bucket ${place.bucket}.`);
  } catch (error) {
    return asDarkroomError(error);
  }
}
