// Property: the command line takes photos from a bucket and brings results to one as it does with folders: each once, nothing of others
// replaced, taken back by a rollback. Everything is real: the build, Temporal, a worker, a network, an S3 server.
import { DeleteObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';
import { possible, runDarkroom } from './support/command.ts';
import { makePhoto } from './support/photo-tree.ts';

describe.skipIf(!possible || S3_PROGRAM === undefined)('darkroom with photos in a bucket', () => {
  let server: S3Server;
  let folder: string;
  beforeAll(async () => {
    server = await startS3Server();
    folder = await mkdtemp(join(tmpdir(), 'darkroom-enhance-bucket-'));
    Object.assign(process.env, server.environment); // for the commands
    await server.createBucket('photos');
    for (const name of ['a.jpg', 'b.png']) {
      await makePhoto(join(folder, name), 40, 30);
      await put(`in/trip/${name}`, await readFile(join(folder, name)));
    }
    await put('in/trip/notes.txt', 'no photo');
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  const put = (Key: string, Body: string | Uint8Array) =>
    server.client.send(new PutObjectCommand({ Bucket: 'photos', Key, Body }));
  const keysBelow = async (Prefix: string): Promise<(string | undefined)[]> =>
    ((await server.client.send(new ListObjectsV2Command({ Bucket: 'photos', Prefix }))).Contents ?? []).map(
      ({ Key }) => Key,
    );
  const run = async (...args: string[]) => {
    const { code, output, told } = await runDarkroom(folder, args);
    return { code, told, answer: output.startsWith('{') ? JSON.parse(output) : output };
  };

  it('brings results to a bucket once, and takes them back', { timeout: 240_000 }, async () => {
    await put('out/a.jpg', 'theirs');
    const args = [
      'enhance',
      's3://photos/in',
      '--out',
      's3://photos/out/new',
      '--quality',
      'fast',
      '--scale',
      '2',
      '--json',
    ];
    const first = await run(...args);
    expect(first.code, first.told).toBe(0);
    expect(first.answer).toMatchObject({ out: 's3://photos/out/new', counts: { completed: 2, failed: 0 } });
    expect(await keysBelow('out/')).toEqual(['out/a.jpg', 'out/new/trip/a.jpg', 'out/new/trip/b.png']);
    const made = await server.client.send(new HeadObjectCommand({ Bucket: 'photos', Key: 'out/new/trip/b.png' }));
    expect(made.ContentType).toBe('image/png');

    // What somebody took away is made again, under its own name; the other one is not touched.
    await server.client.send(new DeleteObjectCommand({ Bucket: 'photos', Key: 'out/new/trip/b.png' }));
    const second = await run(...args);
    expect(second.code, second.told).toBe(0);
    expect(second.answer).toMatchObject({ counts: { completed: 1, kept: 1, failed: 0 } });
    expect(await keysBelow('out/new/')).toEqual(['out/new/trip/a.jpg', 'out/new/trip/b.png']);

    const undone = await run('rollback', first.answer.operation_id, second.answer.operation_id);
    expect(undone.code, undone.told).toBe(0);
    expect(await keysBelow('out/')).toEqual(['out/a.jpg']);
  });

  it('puts them into a folder, and says before it starts what cannot be', { timeout: 240_000 }, async () => {
    const planned = await run('plan', 's3://photos/in', '--quality', 'fast', '--json');
    expect(planned.answer).toMatchObject({ total: { photos: 2, planned: 2 } });
    const ran = await run('enhance', 's3://photos/in/trip/b.png', '--out', 'better', '--quality', 'fast', '--json');
    expect(ran.code, ran.told).toBe(0);
    expect(await readdir(join(folder, 'better'))).toEqual(['b.png']);
    for (const [args, sentence] of [
      [['s3://photos/in', '--in-place'], 'cannot be replaced in place'],
      [['s3://photos/in', '--out', 's3://photos/in'], 'in their way'],
      [['s3://nowhere/in', '--out', 'out'], 'There is no bucket nowhere.'],
      [['s3://photos/in', '--out', 's3://nowhere'], 'There is no bucket nowhere.'],
      [['s3://photos/empty', '--out', 'out'], 'There is no photo to enhance'],
    ] as const) {
      const refused = await run('enhance', ...args);
      expect([refused.code, refused.told]).toEqual([2, expect.stringContaining(sentence)]);
    }
  });
});
