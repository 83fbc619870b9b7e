import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { DarkroomError } from '../../contracts/errors.ts';
import type { S3Place as Place } from '../../contracts/s3-place.ts';
import { isNoObject } from './s3-errors.ts';

export type { S3Place as Place } from '../../contracts/s3-place.ts';

export interface ObjectState {
  readonly bytes: number;
  readonly modifiedAt: number;
  /** Names the content, with its quotes. */
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export async function statObject(
  client: S3Client,
  { bucket, key }: Place,
  signal?: AbortSignal,
): Promise<ObjectState | undefined> {
  try {
    const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), unless(signal));
    return {
      bytes: found.ContentLength ?? 0,
      modifiedAt: found.LastModified?.getTime() ?? 0,
      etag: found.ETag ?? '',
      metadata: found.Metadata ?? {},
    };
  } catch (error) {
    if (isNoObject(error)) return undefined;
    throw error;
  }
}

const unless = (abortSignal: AbortSignal | undefined) => (abortSignal ? { abortSignal } : {});

/** Removes an object, with `ifMatch` only while it has that content; removing nothing is fine. */
export async function removeObject(
  client: S3Client,
  { bucket, key }: Place,
  { ifMatch, signal }: { ifMatch?: string; signal?: AbortSignal } = {},
): Promise<void> {
  try {
    await client.send(
      new DeleteObjectCommand({ Bucket: bucket, Key: key, ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }) }),
      unless(signal),
    );
  } catch (error) {
    if (!isNoObject(error)) throw error;
  }
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modifiedAt: number;
}

export interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** What keys have in common up to the next `/`; only when listed by folders. */
  readonly folders: readonly string[];
}

export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly byFolder?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What lies below a prefix, a page at a time; with `byFolder` only as far as the next `/`. */
export async function* listObjects(
  client: S3Client,
  { bucket, prefix, byFolder = false, signal }: Listing,
): AsyncGenerator<ListedPage> {
  let cursor: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        EncodingType: 'url', // XML has no way to write some characters that keys may have
        ...(byFolder ? { Delimiter: '/' } : {}),
        ...(cursor === undefined ? {} : { ContinuationToken: cursor }),
      }),
      unless(signal),
    );
    const plain = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
    yield {
      objects: (page.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
        key: plain(Key ?? ''),
        bytes: Size ?? 0,
        etag: ETag ?? '',
        modifiedAt: LastModified?.getTime() ?? 0,
      })),
      folders: (page.CommonPrefixes ?? []).map(({ Prefix }) => plain(Prefix ?? '')),
    };
    cursor = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (cursor !== undefined);
}

/** Servers that were asked to write keys as in a form do so. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** Removes what is below a prefix, as many in one call as a server takes. */
export async function removeBelow(client: S3Client, bucket: string, prefix: string): Promise<void> {
  for await (const { objects } of listObjects(client, { bucket, prefix })) {
    if (objects.length === 0) continue;
    const Objects = objects.map(({ key }) => ({ Key: key }));
    const answer = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
    if (answer.Errors?.length) {
      throw new DarkroomError('storage_unavailable', undefined, { cause: answer.Errors[0] });
    }
  }
}
