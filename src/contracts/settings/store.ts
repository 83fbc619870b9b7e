import { z } from 'zod';
import { flag, httpAddress, settingOf, text, whole } from './setting.ts';

const setting = settingOf('Store');

/** Where photos, results and the journal are kept, and the S3 server of all buckets. */
export const STORE_SETTINGS = {
  STORE: setting(
    z.enum(['file', 's3'], { error: 'must be file or s3' }),
    'file',
    'Where photos, results and the journal are kept: in DATA_DIR, or in a bucket that several hosts share.',
  ),
  S3_BUCKET: setting(text, '', 'Bucket of the store.'),
  S3_PREFIX: setting(text, '', 'What all keys of the store begin with; empty: the bucket is its own.'),
  S3_ENDPOINT: setting(
    httpAddress,
    '',
    'Server of the buckets. Empty: Amazon’s for S3_REGION. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the host’s role.',
  ),
  S3_REGION: setting(text.min(1), 'us-east-1', 'Region of the buckets.'),
  S3_PATH_STYLE: setting(flag, 'false', 'Whether buckets are named in the path; most servers but Amazon’s need it.'),
  S3_TIMEOUT_MS: setting(
    whole(100, 600_000),
    '15000',
    'A call to S3 that is silent for this long is tried again, four times in all.',
  ),
  S3_LINK_SECONDS: setting(
    whole(0, 604_800),
    '0',
    'When above 0, the download of a photo redirects to a presigned address of the bucket, good for so long.',
  ),
  S3_PUBLIC_ENDPOINT: setting(
    httpAddress,
    '',
    'S3_ENDPOINT as clients reach it, for presigned addresses. Empty: the same.',
  ),
};
