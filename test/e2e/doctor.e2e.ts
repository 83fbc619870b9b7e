// Property: `darkroom doctor` tells a Darkroom that works from one that does not, and sends a photo through it when asked to.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { S3_PROGRAM, startS3Server } from '../support/s3-server.ts';
import { command, House, possible } from './house.ts';

interface Told {
  readonly code: number;
  readonly states: Record<string, string>;
  readonly findings: { check: string; state: string; message: string; remedy?: string }[];
}

const doctor = async (env: NodeJS.ProcessEnv, ...flags: string[]): Promise<Told> =>
  await new Promise((resolve, reject) => {
    execFile(process.execPath, [command, 'doctor', '--json', ...flags], { env }, (error, output, said) => {
      const { findings } = JSON.parse(output || '{"findings":[]}') as Told;
      const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
      if (output === '') reject(new Error(said));
      else resolve({ code: Number(error?.code ?? 0), states, findings });
    });
  });

let house: House | undefined;
afterAll(() => house?.close());

describe.skipIf(!possible)('the doctor', () => {
  it('finds a house that works, down to the picture, and what is gone when it has stopped', async () => {
    house = await House.start();
    const well = await doctor(house.environment, '--golden');
    expect(well.findings.filter(({ state }) => state === 'fault')).toEqual([]);
    expect(well.states).toMatchObject({
      golden: 'ok',
      workers: 'ok',
      'task-queues': 'ok',
      'search-attributes': 'ok',
      models: 'ok',
    });
    expect(well.code).toBe(0);
    const ready = await fetch(`${house.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await house.end('SIGTERM')).toBe(0);

    const stopped = await doctor(house.environment);
    expect(stopped.states['darkroom']).toBe('skipped');
    expect(stopped.code).toBe(0);
    expect((await doctor(house.environment, '--golden')).states['darkroom']).toBe('fault');

    const astray = await doctor({ ...house.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' }, '--golden');
    expect(astray.states).toMatchObject({ store: 'ok', temporal: 'fault', workers: 'skipped', golden: 'skipped' });
    expect(astray.findings.find(({ check }) => check === 'temporal')?.remedy).toContain('TEMPORAL_ADDRESS');
    expect(astray.code).toBe(1);
  });

  it('finds that there are no models, and says how to get them', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'darkroom-doctor-'));
    try {
      const env = {
        ...process.env,
        TEMPORAL_ADDRESS: '',
        DATA_DIR: join(empty, 'data'),
        CACHE_DIR: join(empty, 'cache'),
      };
      const { code, findings } = await doctor(env);
      expect(findings.find(({ check }) => check === 'models')).toMatchObject({
        state: 'fault',
        remedy: expect.stringContaining('darkroom models pull'),
      });
      expect(code).toBe(1);
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });
});

describe.skipIf(S3_PROGRAM === undefined)('the doctor, where callers may name buckets', () => {
  it('tells a place that is there from one that is not and from a server that does not answer', async () => {
    const server = await startS3Server();
    const data = await mkdtemp(join(tmpdir(), 'darkroom-doctor-'));
    try {
      await server.createBucket('photos');
      const env = { ...process.env, ...server.environment, TEMPORAL_ADDRESS: '', DATA_DIR: data };
      const look = async (more: NodeJS.ProcessEnv) =>
        (await doctor({ ...env, ...more })).findings.find(({ check }) => check === 'buckets');

      expect(await look({})).toBeUndefined();
      expect(await look({ S3_SOURCES: 's3://photos/in', S3_DESTINATIONS: 's3://photos/out' })).toMatchObject({
        state: 'ok',
      });
      expect(await look({ S3_SOURCES: 's3://photos', S3_DESTINATIONS: 's3://nowhere/out' })).toMatchObject({
        state: 'fault',
        message: expect.stringContaining('S3_DESTINATIONS s3://nowhere/out'),
      });
      expect(await look({ S3_SOURCES: 's3://photos', S3_ENDPOINT: 'http://127.0.0.1:1' })).toMatchObject({
        state: 'fault',
      });
    } finally {
      await server.close();
      await rm(data, { recursive: true, force: true });
    }
  });
});
