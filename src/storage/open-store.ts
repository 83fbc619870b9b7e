import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, type Config } from '../contracts/config.ts';
import { FileStore } from './file-store.ts';
import type { Store } from './store.ts';

/** Opens the store that the configuration names. The S3 client is only loaded where it is used. */
export async function openStore(config: Config, makeNonce: () => string): Promise<Store> {
  if (config.STORE === 'file') return FileStore.open(join(config.DATA_DIR, 'store'), makeNonce);
  if (config.S3_BUCKET === '') throw new ConfigurationError('STORE is s3: name the bucket in S3_BUCKET.');
  const { openS3Store } = await import('./s3/open-s3-store.ts');
  return openS3Store(config, makeNonce);
}

/** Whether anything can be in the store: opening it would make it. */
export const isStoreThere = (config: Config): boolean =>
  config.STORE === 's3' || existsSync(join(config.DATA_DIR, 'store'));
