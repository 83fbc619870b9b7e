/** An address is given up for its own faults only, and an original for being gone: not for what disks and workers do meanwhile. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchOriginal } from '../../src/activities/fetch-original.ts';
import { createFetchActivities } from '../../src/activities/fetch-photo.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { asSourceFault, DarkroomError } from '../../src/contracts/errors.ts';
import { openGuard } from '../../src/outgoing/guard.ts';
import { uploadKey } from '../../src/storage/keys.ts';
import { makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let batchId: string;

beforeEach(async () => {
  house = await openHouse();
  batchId = newBatchId();
});
afterEach(() => house.close());

it('counts what the address did, not attempts that ended with their worker or waited for the disk', async () => {
  const original = { kind: 'upload', key: uploadKey(batchId, 0), from: 's3://bucket/photo.jpg' } as const;
  await house.journal.createBatch(makeHeader(batchId, 1), [makeRecord(0, { original })]);
  const config = parseConfig({ DISK_RESERVE_BYTES: '0' });
  const read = () => Promise.reject(new DarkroomError('address_unreachable'));
  const { fetchPhoto } = createFetchActivities({ ...house, config, guard: openGuard(config), buckets: { read } });
  const told: unknown[] = [];
  const fail = (attempt: number, heartbeatDetails?: unknown): Promise<unknown> => {
    const environment = new MockActivityEnvironment(
      { attempt, heartbeatDetails },
      { logger: new DefaultLogger('ERROR') },
    );
    environment.on('heartbeat', (details: unknown) => told.push(details));
    return environment.run(fetchPhoto, { batchId, index: 0, epoch: 0 }).catch((error: unknown) => error);
  };
  expect(await fail(9)).toMatchObject({ type: 'address_unreachable', nonRetryable: false });
  expect(await fail(10, told.at(-1))).toMatchObject({ type: 'address_unreachable', nonRetryable: false });
  expect(await fail(11, told.at(-1))).toMatchObject({ type: 'address_unreachable', nonRetryable: true });
  expect(told.at(-1)).toEqual({ faults: 3 });
});

it('tells an original that is gone from one that cannot be looked at now', async () => {
  const fetching = (path: string) =>
    fetchOriginal(
      house,
      { batchId, index: 0, epoch: 0 },
      { kind: 'path', path, bytes: 1, modifiedMs: 1 },
      { kind: 'store' },
    );
  await expect(fetching(join(house.root, 'gone.jpg'))).rejects.toMatchObject({ code: 'source_missing' });
  const loop = join(house.root, 'loop.jpg');
  await symlink(loop, loop);
  await expect(fetching(loop)).rejects.toMatchObject({ definition: { retryable: true } });
  for (const code of ['EMFILE', 'EIO', 'ESTALE'])
    expect(asSourceFault(Object.assign(new Error(code), { code }))).toMatchObject({ code: 'storage_unavailable' });
});
