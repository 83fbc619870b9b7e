import { join } from 'node:path';
import type { Config } from '../../contracts/config.ts';
import { createS3Client, type S3Connection } from './client.ts';
import { S3Store } from './s3-store.ts';
import { Spool } from './spool.ts';

export const connectionOf = (config: Config): S3Connection => ({
  endpoint: config.S3_ENDPOINT,
  region: config.S3_REGION,
  pathStyle: config.S3_PATH_STYLE,
  timeoutMs: config.S3_TIMEOUT_MS,
});

/** The store of the configuration's bucket. Copies that programs of this host read lie below DATA_DIR. */
export async function openS3Store(config: Config, makeNonce: () => string): Promise<S3Store> {
  const connection = connectionOf(config);
  const client = createS3Client(connection);
  const publicly = { ...connection, endpoint: config.S3_PUBLIC_ENDPOINT || connection.endpoint };
  const prefix = config.S3_PREFIX.split('/').filter(Boolean).join('/');
  return S3Store.open({
    client,
    publicClient: publicly.endpoint === connection.endpoint ? client : createS3Client(publicly),
    bucket: config.S3_BUCKET,
    prefix: prefix === '' ? '' : `${prefix}/`,
    spool: new Spool(join(config.DATA_DIR, 'lent'), makeNonce),
    makeNonce,
    silenceMs: config.S3_TIMEOUT_MS,
    linkSeconds: config.S3_LINK_SECONDS,
  });
}
