import { S3Client } from '@aws-sdk/client-s3';

/** How a server of objects is reached. Credentials come by the SDK's own chain: environment, profile, role of the host. */
export interface S3Connection {
  /** Empty: Amazon's own for the region. */
  readonly endpoint: string;
  readonly region: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
  /** A call that has no answer for this long is tried again. */
  readonly timeoutMs: number;
}

/** Calls are tried so often, with growing pauses, before whoever asked is told that the store is away. */
const ATTEMPTS = 4;
const CONNECTIONS = 64;

export function createS3Client({ endpoint, region, pathStyle, timeoutMs }: S3Connection): S3Client {
  return new S3Client({
    region,
    ...(endpoint === '' ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
    },
  });
}
