/**
 * Property: the API is open to other machines only with keys, says in one sentence why it cannot listen, and stops
 * gracefully: requests under way finish, those that do not are cut after the grace, nothing of them is kept.
 */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/api/server.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { uploadHead } from './support/raw-request.ts';
import { eventually, startApi } from './support/running-api.ts';

describe('listening', () => {
  it('refuses addresses that other machines reach when there are no keys', async () => {
    for (const HOST of ['0.0.0.0', '::', '192.168.1.5', 'photos.example']) {
      const listening = listen(() => undefined, parseConfig({ HOST, PORT: '0' }));
      await expect(listening).rejects.toThrow(/API_KEYS is empty/);
    }
    const server = await listen(() => undefined, parseConfig({ HOST: '0.0.0.0', PORT: '0', API_KEYS: 'k' }));
    await server.close();
  });

  it('says when its port is taken', async () => {
    const first = await listen(() => undefined, parseConfig({ PORT: '0' }));
    const port = new URL(first.url).port;
    await expect(listen(() => undefined, parseConfig({ PORT: port }))).rejects.toMatchObject({ code: 'port_taken' });
    await first.close();
  });
});

describe('stopping', () => {
  it('lets a request under way finish', async () => {
    const server = await listen(
      (_request, response) => void setTimeout(() => response.end('done'), 200),
      parseConfig({ PORT: '0' }),
    );
    const answer = fetch(server.url);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([server.close(), expect(answer.then((response) => response.text())).resolves.toBe('done')]);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('cuts an upload that does not end, and keeps nothing of it', async () => {
    const api = await startApi({ SHUTDOWN_GRACE_MS: '200' });
    const socket = connect(api.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(uploadHead('/api/v1/enhance', 50_000) + 'x'.repeat(1000));
    await eventually(async () => expect(await api.files()).toHaveLength(1));
    const cut = new Promise((resolve) => socket.once('close', resolve));
    const stopped = api.stop();
    await cut;
    await stopped;
    await eventually(async () => expect(await api.files()).toEqual([]));
    await api.close();
  });
});
