/**
 * Property: an upload outlives the API process: one that is killed in the middle of it goes on, in the next process, with
 * the bytes that had come.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childMessageSchema } from '../../src/contracts/child-messages.ts';
import { uploadSchema } from '../../src/contracts/http-uploads.ts';
import { noisyJpeg } from './support/photos.ts';
import { answered, eventually } from './support/running-api.ts';

const script = fileURLToPath(new URL('../../dist/api/main.js', import.meta.url));
/** Port 9 of this machine is nobody's: uploads need no Temporal server. */
const NOWHERE = '127.0.0.1:9';

let dataDir: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'darkroom-upload-process-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const places = { PORT: '0', DATA_DIR: dataDir, CACHE_DIR: dataDir, TEMPORAL_ADDRESS: NOWHERE, LOG_LEVEL: 'silent' };
  const child = fork(script, [], {
    env: { ...process.env, ...places },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  children.push(child);
  const [raw] = (await once(child, 'message')) as unknown[];
  const message = childMessageSchema.parse(raw);
  return { child, url: message.type === 'ready' ? (message.url ?? '') : '' };
}

describe.skipIf(!existsSync(script))('an upload (needs a build: `npm run build`)', () => {
  it('[56] survives the API being killed while it comes in', async () => {
    const photo = await noisyJpeg(400, 300);
    const first = await start();
    const created = await fetch(`${first.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(photo.length) },
    });
    const address = created.headers.get('location') ?? '';
    const id = address.slice(address.lastIndexOf('/') + 1);
    const socket = connect(Number(new URL(first.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `PATCH ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
        `Content-Type: application/offset+octet-stream\r\nContent-Length: ${photo.length}\r\n\r\n`,
    );
    socket.write(photo.subarray(0, 20_000));
    const bytes = join(dataDir, 'uploads', id.slice(9, 11), `${id}.bytes`);
    await eventually(async () => expect((await stat(bytes)).size).toBe(20_000));
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');

    const second = await start();
    const head = await fetch(`${second.url}${address}`, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
    expect(head.headers.get('upload-offset')).toBe('20000');
    const rest = await fetch(`${second.url}${address}`, {
      method: 'PATCH',
      headers: {
        'Tus-Resumable': '1.0.0',
        'Upload-Offset': '20000',
        'Content-Type': 'application/offset+octet-stream',
      },
      body: new Uint8Array(photo.subarray(20_000)),
    });
    expect(rest.status).toBe(204);
    const shown = await answered(await fetch(`${second.url}${address}`), uploadSchema);
    expect(shown).toMatchObject({ complete: true, photo: { width: 400, height: 300 } });
  });
});
