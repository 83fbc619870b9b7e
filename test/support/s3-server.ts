import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyFreePort } from '../../src/cli/supervisor/ports.ts';
import { createS3Client } from '../../src/storage/s3/client.ts';

/** Where `npm test` found or built the S3 server; without one its tests are skipped, and it said so. */
export const S3_PROGRAM = process.env['VERSITYGW'];

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'darkroom-test', AWS_SECRET_ACCESS_KEY: 'only-for-this-test' };
const START_WITHIN_MS = 20_000;

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  /** Talks to the server directly, for looking at what is there. */
  readonly client: S3Client;
  /** Settings with which Darkroom uses the server. */
  readonly environment: Readonly<Record<string, string>>;
  createBucket(name: string): Promise<string>;
  close(): Promise<void>;
}

/** A server of this test alone; its buckets are folders of the temporary directory. This process gets its credentials. */
export async function startS3Server(): Promise<S3Server> {
  if (S3_PROGRAM === undefined) throw new Error('There is no S3 server: run the tests by npm test.');
  Object.assign(process.env, CREDENTIALS);
  const root = await mkdtemp(join(tmpdir(), 'darkroom-s3-'));
  for (const name of ['buckets', 'sidecar']) await mkdir(join(root, name));
  const port = await anyFreePort('127.0.0.1');
  const child = run(S3_PROGRAM, port, root);
  const endpoint = `http://127.0.0.1:${port}`;
  const client = createS3Client({ endpoint, region: 'us-east-1', pathStyle: true, timeoutMs: 10_000 });
  await untilAnswering(endpoint, child);
  return {
    endpoint,
    port,
    client,
    environment: { ...CREDENTIALS, S3_ENDPOINT: endpoint, S3_PATH_STYLE: 'true' },
    async createBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    async close() {
      client.destroy();
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
      await rm(root, { recursive: true, force: true });
    },
  };
}

function run(program: string, port: number, root: string): ChildProcess {
  const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = CREDENTIALS;
  // Metadata lies beside the objects: not every temporary directory has extended attributes.
  const posix = ['posix', '--sidecar', join(root, 'sidecar'), join(root, 'buckets')];
  return spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', ...posix], {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret },
  });
}

async function untilAnswering(endpoint: string, child: ChildProcess): Promise<void> {
  for (const since = Date.now(); Date.now() - since < START_WITHIN_MS; await sleep(50)) {
    if (child.exitCode !== null) throw new Error('The S3 server ended at once.');
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer) return;
  }
  throw new Error('The S3 server does not answer.');
}
