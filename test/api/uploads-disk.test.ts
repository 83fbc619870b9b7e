/**
 * Property: a disk that fills up while a photo comes in, and one that refuses to be written to, cost that photo and nothing
 * else: 507 or 503, no byte is kept, the server says that it is not ready, and goes on when the disk does.
 */
import { execFileSync } from 'node:child_process';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillDisk, SmallDisk } from '../chaos/small-disk.ts';
import { jpeg } from './support/photos.ts';
import { partHead } from './support/raw-request.ts';
import { form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

const RESERVE = 4 * 1024 * 1024;

describe.skipIf(!SmallDisk.possible)('a small disk', () => {
  let disk: SmallDisk;
  let api: RunningApi;
  beforeAll(async () => {
    disk = SmallDisk.mount();
    const temporary = process.env['TMPDIR'];
    process.env['TMPDIR'] = disk.path;
    api = await startApi({ DISK_RESERVE_BYTES: String(RESERVE) });
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
    api.service.reports = [READY];
  });
  afterAll(async () => {
    await api.stop();
    await disk.unmount();
    await rm(disk.path, { recursive: true, force: true });
  });

  const enhance = async (): Promise<Response> =>
    post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']));
  const ready = (): Promise<Response> => fetch(`${api.url}/readyz`);

  it('[14] that fills up while a photo comes in: 507, nothing is kept, readiness falls and comes back', async () => {
    expect((await ready()).status).toBe(200);
    const before = await api.files();
    // Of unknown length: there is room when it begins.
    const sending = request(`${api.url}/api/v1/enhance`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=B', 'transfer-encoding': 'chunked' },
    });
    const answered = once(sending, 'response');
    sending.write(partHead('file'));
    sending.write(Buffer.concat([await jpeg(), Buffer.alloc(1_000_000)]));
    const free = await fillDisk(disk.path);
    sending.end(Buffer.concat([Buffer.alloc(3_000_000), Buffer.from('\r\n--B--\r\n')]));
    const [answer] = (await answered) as [IncomingMessage];
    const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
    expect([answer.statusCode, text]).toEqual([507, expect.stringContaining('"storage_full"')]);
    expect(await api.files()).toEqual(before);
    await refused(await enhance(), 'storage_full');
    await refused(await ready(), 'storage_full');
    expect((await fetch(`${api.url}/livez`)).status).toBe(200);
    await free();
    expect((await ready()).status).toBe(200);
    expect((await enhance()).status).toBe(200);
  });

  it('[15] that refuses to be written to: 503 with Retry-After, nothing is kept, and on it goes when it can', async () => {
    const before = await api.files();
    remount('ro');
    try {
      const answer = await enhance();
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      await refused(answer, 'storage_unavailable');
    } finally {
      remount('rw');
    }
    expect(await api.files()).toEqual(before);
    expect((await enhance()).status).toBe(200);
  });

  const remount = (how: 'ro' | 'rw'): unknown => execFileSync('/bin/mount', ['-o', `remount,${how}`, disk.path]);
});

const READY: RunningApi['service']['reports'][number] = {
  workerId: 'w1',
  host: 'h',
  pid: 1,
  writtenAt: 1,
  startedAt: 1,
  state: 'ready',
  notices: [],
  device: 'cpu',
  lanes: 1,
  activePhotos: 0,
  totalProcessed: 0,
  avgProcessingSeconds: null,
  deviceBusy: 0,
  models: [],
  networks: [],
  engineMemoryBytes: 1,
  gpu: null,
};
