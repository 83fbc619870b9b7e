/**
 * Property: the API process starts and answers while Temporal is away, tells its supervisor where it listens or why it
 * cannot, and ends in good order when it is told to, or when its supervisor is gone.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childMessageSchema, type ChildMessage } from '../../src/contracts/child-messages.ts';
import { healthSchema } from '../../src/contracts/http-service.ts';
import { jpeg } from './support/photos.ts';
import { answered, form, post, refused } from './support/running-api.ts';

const script = fileURLToPath(new URL('../../dist/api/main.js', import.meta.url));
/** Port 9 of this machine is nobody's: a Temporal server that is away. */
const NOWHERE = '127.0.0.1:9';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'darkroom-api-process-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

async function start(settings: Record<string, string> = {}): Promise<{ child: ChildProcess; message: ChildMessage }> {
  const places = { PORT: '0', DATA_DIR: dataDir, CACHE_DIR: dataDir, TEMPORAL_ADDRESS: NOWHERE, LOG_LEVEL: 'silent' };
  const child = fork(script, [], {
    env: { ...process.env, ...places, ...settings },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const [raw] = (await once(child, 'message')) as unknown[];
  return { child, message: childMessageSchema.parse(raw) };
}

const urlOf = (message: ChildMessage): string => (message.type === 'ready' ? (message.url ?? '') : '');

describe.skipIf(!existsSync(script))('the API process (needs a build: `npm run build`)', () => {
  it('answers while Temporal is away, and 503 where it is needed', async () => {
    const { child, message } = await start();
    const url = urlOf(message);
    const health = await answered(await fetch(`${url}/health`), healthSchema);
    expect(health).toMatchObject({ status: 'unhealthy' });
    const photo = form('file', [await jpeg(), 'a.jpg']);
    await refused(await post(`${url}/api/v1/enhance`, photo), 'temporal_unavailable');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends with its supervisor', async () => {
    const { child } = await start();
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says why it cannot start', async () => {
    for (const [settings, reason] of [
      [{ HOST: '0.0.0.0' }, /API_KEYS is empty/],
      [{ TILE_SIZE: '9' }, /TILE_SIZE/],
    ] as const) {
      const { child, message } = await start(settings);
      expect(message).toMatchObject({ type: 'failed', message: expect.stringMatching(reason) as string });
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(1);
    }
  });
});
