/** Objects of buckets by their address, `s3://bucket/key`, written as it is: nothing in it is percent-encoded. */

export interface S3Place {
  readonly bucket: string;
  /** Of an object; of a folder (a prefix by names): without `/` at its ends, empty for all of the bucket. */
  readonly key: string;
}

/** Names that every server takes. Amazon's resource names (`arn:…`) would lead to other servers and accounts. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const SCHEME = 's3://';
/** Bytes of a key in UTF-8, by the protocol. */
export const KEY_BYTES = 1024;

export const isBucketName = (text: string): boolean => BUCKET.test(text) && !text.includes('..');

export const isS3Address = (text: string): boolean => text.startsWith(SCHEME);

export const s3Address = ({ bucket, key }: S3Place): string => `${SCHEME}${bucket}/${key}`;

/** `undefined` for what is no address of a bucket, or of something in one. */
export function parseS3Address(text: string): S3Place | undefined {
  if (!isS3Address(text)) return undefined;
  const [, bucket = '', key = ''] = /^([^/]*)\/?(.*)$/su.exec(text.slice(SCHEME.length)) ?? [];
  return isBucketName(bucket) && isKey(key) ? { bucket, key } : undefined;
}

export const isKey = (key: string): boolean =>
  !/[\0\p{Cs}]/u.test(key) && new TextEncoder().encode(key).length <= KEY_BYTES;

/**
 * A prefix as a folder: `a/b`, whatever slashes are at its ends. `undefined` for one with empty names, `.` or `..`: what
 * those are below of is read in more than one way.
 */
export function asFolder(prefix: string): string | undefined {
  let [from, to] = [0, prefix.length];
  while (prefix[from] === '/') from += 1;
  while (to > from && prefix[to - 1] === '/') to -= 1; // `/\/+$/` would begin anew at each slash of a text that is all slashes
  const folder = prefix.slice(from, to);
  if (folder === '') return '';
  return isKey(folder) && folder.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
    ? folder
    : undefined;
}

/** The same of an address. */
export function parseS3Folder(address: string): S3Place | undefined {
  const place = parseS3Address(address);
  const key = place && asFolder(place.key);
  return place && key !== undefined ? { bucket: place.bucket, key } : undefined;
}

/** What keys below a folder begin with. */
export const keysBelow = (folder: string): string => (folder === '' ? '' : `${folder}/`);

/** Whether an object or folder is `folder` or below it; names are compared whole: `a/bc` is not below `a/b`. */
export function isInFolder(folder: S3Place, { bucket, key }: S3Place): boolean {
  return bucket === folder.bucket && (key === folder.key || key.startsWith(keysBelow(folder.key)));
}
