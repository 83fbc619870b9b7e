import { extname } from 'node:path';
import { resultName } from '../../activities/deliver-result.ts';
import { keysBelow, parseS3Folder } from '../../contracts/s3-place.ts';
import type { Buckets } from '../../storage/buckets.ts';
import { freeName } from './collect-photos.ts';
import type { OrderRecord } from './order-record.ts';
import type { Place } from './place.ts';

export interface BucketPlace {
  /** `s3://bucket/folder`. */
  readonly address: string;
  readonly buckets: Pick<Buckets, 'stat'>;
  readonly record: OrderRecord;
  readonly signal: AbortSignal;
}

/** Results go into a bucket; the worker puts them there, and never over what is there already. */
export function bucketPlace({ address, buckets, record, signal }: BucketPlace): Place {
  const { bucket, key: prefix } = parseS3Folder(address) ?? { bucket: '', key: '' };
  /** Names that an earlier run gave and somebody emptied since. */
  const free = new Set<string>();
  const taken = new Set<string>();
  return {
    destination: { kind: 's3', bucket, prefix },
    async recall(photo) {
      const ordered = record.find(photo);
      if (ordered?.placed === undefined) return ordered && { ordered, done: false };
      if (await buckets.stat({ bucket, key: keysBelow(prefix) + ordered.placed.file }, signal))
        return { ordered, done: true };
      free.add(ordered.placed.file.toLowerCase());
      return undefined;
    },
    target({ name }) {
      const extension = extname(name);
      const has = (file: string): boolean => taken.has(file) || (record.names.has(file) && !free.has(file));
      const target = freeName(name.slice(0, name.length - extension.length), extension, { has });
      taken.add(target.toLowerCase());
      return target;
    },
    async settle(ordered, { bytes, width, height, extension, sha256 }) {
      const file = resultName(ordered.photo.target ?? ordered.photo.name, extension);
      const placed = { file, bytes, width, height, sha256 };
      await record.addFile(ordered, placed);
      return placed;
    },
  };
}
