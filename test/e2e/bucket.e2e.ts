// Property: a house whose store is a bucket waits while the store is away, says so, goes on by itself, and can be rolled back.
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from 'vitest';
import { FaultProxy } from '../support/fault-proxy.ts';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';
import { House, possible } from './house.ts';
import { crops } from './photos.ts';
import { waitFor } from './processes.ts';
import { Visitor } from './visitor.ts';

let house: House | undefined;
let server: S3Server | undefined;
let proxy: FaultProxy | undefined;
afterAll(async () => {
  await house?.close();
  await proxy?.close();
  await server?.close();
});

describe.skipIf(!possible || S3_PROGRAM === undefined)('a house with its store in a bucket', () => {
  it('loses nothing while the store is away', async () => {
    const s3 = await startS3Server();
    server = s3;
    const between = new FaultProxy(s3.port);
    proxy = between;
    const endpoint = await between.listen();
    house = await House.start({
      ...s3.environment,
      STORE: 's3',
      S3_ENDPOINT: endpoint,
      S3_BUCKET: await s3.createBucket('house'),
      S3_TIMEOUT_MS: '1000',
    });
    const visitor = new Visitor(house.url);
    const batchId = await visitor.enhanceBatch(await crops(6), 'quality_level=fast&scale=2&max_workers=6');
    await between.strike({ does: { kind: 'silence' } });
    const refused = await visitor.get(`/api/v1/batch/status/${batchId}`);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'storage_unavailable' });
    await between.strike();

    expect(await visitor.ended(batchId)).toMatchObject({ status: 'completed', completed_files: 6, failed_files: 0 });
    const results = async (): Promise<number> => {
      const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: 'house' }));
      return Contents.filter(({ Key }) => Key?.includes(`${batchId}/results/`)).length;
    };
    expect(await results()).toBe(6);
    const body = JSON.stringify({ operation_id: batchId });
    const headers = { 'content-type': 'application/json' };
    const asked = await fetch(`${house.url}/api/rollback`, { method: 'POST', headers, body });
    expect(asked.status).toBe(200);
    await waitFor('an empty bucket', 20_000, async () => ((await results()) === 0 ? true : undefined));
    expect(await house.end('SIGTERM')).toBe(0);
  });
});
