import { join } from 'node:path';
import { shardOfUpload } from '../contracts/http-uploads.ts';

/** A batch, or an addition to an open one, that uploads were given to. */
export interface Claim {
  readonly batchId: string;
  readonly additionId?: string | undefined;
}

const NAME = /^(u-[0-9a-z]+)\.(?:(bytes)|(?:(b-[0-9a-z-]+)\.(?:([ak]-[0-9a-f]+)\.)?)?(json)(\.new)?)$/;

/** What a file's name says of it. */
export interface UploadName {
  readonly id: string;
  /** Bytes, a record, or one whose writing broke off. */
  readonly kind: 'bytes' | 'record' | 'unfinished';
  /** Whose the upload is. */
  readonly claim: Claim | undefined;
}

/** @returns `undefined` for names that no upload's file has. */
export function parseUploadName(name: string): UploadName | undefined {
  const [, id, bytes, batchId, additionId, , unfinished] = NAME.exec(name) ?? [];
  if (id === undefined) return undefined;
  return {
    id,
    kind: bytes !== undefined ? 'bytes' : unfinished !== undefined ? 'unfinished' : 'record',
    claim: batchId === undefined ? undefined : { batchId, additionId },
  };
}

/**
 * Where the files of uploads lie:
 *
 *     {shard}/{id}.bytes                         what has come
 *             {id}.json                          whose it is, how long it will be
 *             {id}.{batch}[.{addition}].json     the same, once it was given to a batch
 */
export class UploadPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  shard(shard: string): string {
    return join(this.root, shard);
  }

  shardOf(id: string): string {
    return this.shard(shardOfUpload(id));
  }

  bytes(id: string): string {
    return join(this.shardOf(id), `${id}.bytes`);
  }

  record(id: string): string {
    return join(this.shardOf(id), `${id}.json`);
  }

  claimed(id: string, { batchId, additionId }: Claim): string {
    const claim = additionId === undefined ? batchId : `${batchId}.${additionId}`;
    return join(this.shardOf(id), `${id}.${claim}.json`);
  }
}
