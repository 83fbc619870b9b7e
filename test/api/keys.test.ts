/**
 * Property: a key does what its scopes say for its tenant and nothing else; keys come and go while the server runs, and a
 * file that is lost or broken lets nobody in. What a tenant may send in a time is bounded, each tenant for itself.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { rightsSchema } from '../../src/contracts/http-sessions.ts';
import { built, runDarkroom } from '../cli/support/command.ts';
import { jpeg } from './support/photos.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let folder: string;
let file: string;
let api: RunningApi | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-keys-'));
  file = join(folder, 'data/keys.json');
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(folder, { recursive: true, force: true });
});

const bearer = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
const url = (path: string): string => `${api?.url}${path}`;

async function create(tenant: string, ...scopes: string[]): Promise<{ key: string; id: string }> {
  const chosen = scopes.length > 0 ? ['--scope', ...scopes] : [];
  const { code, output, told } = await runDarkroom(folder, ['keys', 'create', '--tenant', tenant, ...chosen]);
  expect(code, told).toBe(0);
  return { key: output.trim(), id: /k-\w+/.exec(told)?.[0] ?? '' };
}

describe.skipIf(!built)('keys of the command', () => {
  it('[45] open what their scopes say and no more, for their own tenant', async () => {
    const [reader, sender, boss, other] = [
      await create('studio', 'read'),
      await create('studio', 'submit'),
      await create('studio', 'admin'),
      await create('agency'),
    ];
    api = await startApi({ KEYS_FILE: file });
    await refused(await fetch(url('/api/v1/tasks')), 'unauthorized');
    const data = async () => form('files', [await jpeg(), 'a.jpg']);
    await refused(await post(url('/api/v1/enhance/batch'), await data(), bearer(reader.key)), 'forbidden_scope');
    const sent = await post(url('/api/v1/enhance/batch'), await data(), bearer(sender.key));
    const { batch_task_id: id } = await answered(sent, batchAcceptedSchema);
    // Another key of the tenant sees it, another tenant does not, and whoever may only send does not read.
    expect((await fetch(url(`/api/v1/batch/status/${id}`), bearer(reader.key))).status).toBe(200);
    await refused(await fetch(url(`/api/v1/batch/status/${id}`), bearer(other.key)), 'not_found');
    await refused(await fetch(url(`/api/v1/batch/status/${id}`), bearer(sender.key)), 'forbidden_scope');
    for (const { key } of [reader, sender]) {
      await refused(
        await fetch(url(`/api/v1/batches/${id}/cancel`), { method: 'POST', ...bearer(key) }),
        'forbidden_scope',
      );
      await refused(await fetch(url('/api/rollback'), { method: 'POST', ...bearer(key) }), 'forbidden_scope');
    }
    await refused(
      await fetch(url(`/api/v1/batches/${id}/cancel`), { method: 'POST', ...bearer(other.key) }),
      'not_found',
    );
    const rights = async (init?: RequestInit) =>
      await answered(await fetch(url('/api/v1/session'), init), rightsSchema);
    expect(await rights()).toEqual({ active: false, scopes: [] });
    expect(await rights(bearer('no such key'))).toEqual({ active: false, scopes: [] });
    expect(await rights(bearer(reader.key))).toEqual({ active: true, scopes: ['read'] });
    expect(await rights(bearer(boss.key))).toEqual({ active: true, scopes: ['read', 'submit', 'control', 'admin'] });
    await refused(await fetch(url('/metrics'), bearer(other.key)), 'forbidden_scope');
    expect((await fetch(url('/metrics'), bearer(boss.key))).status).toBe(200);
  });

  it('are kept as hashes, for their owner alone, and listed without saying them', async () => {
    const { key, id } = await create('studio');
    expect(key).toMatch(/^dk_[0-9a-hjkmnp-tv-z]{32}$/);
    expect(await readFile(file, 'utf8')).not.toContain(key);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { output } = await runDarkroom(folder, ['keys', 'list']);
    expect(output).toContain(`${id}  studio`);
    expect(output).not.toContain(key);
    for (const args of [
      ['create', '--tenant', '../x'],
      ['create', '--tenant', 'a', '--scope', 'all'],
      ['revoke', 'k-none'],
    ]) {
      expect((await runDarkroom(folder, ['keys', ...args])).code, args.join(' ')).toBe(2);
    }
  });

  it('come and go while the server runs', async () => {
    const first = await create('studio');
    api = await startApi({ KEYS_FILE: file });
    const status = async (key: string) => (await fetch(url('/api/v1/tasks'), bearer(key))).status;
    expect(await status(first.key)).toBe(200);
    const second = await create('studio');
    await eventually(async () => expect(await status(second.key)).toBe(200));
    await runDarkroom(folder, ['keys', 'revoke', first.id]);
    await eventually(async () => expect(await status(first.key)).toBe(401));
    expect(await status(second.key)).toBe(200);
    // What is no file of keys changes nothing; one that is gone lets nobody in, and least of all without a key.
    await writeFile(file, '{"keys": [');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await status(second.key)).toBe(200);
    expect(JSON.stringify(api.logged())).toContain('file of keys cannot be read');
    await rm(file);
    await eventually(async () => expect(await status(second.key)).toBe(401));
    await refused(await fetch(url('/api/v1/tasks')), 'unauthorized');
  });

  it('keep the server shut when the last of them is revoked', async () => {
    const { id } = await create('studio');
    await runDarkroom(folder, ['keys', 'revoke', id]);
    api = await startApi({ KEYS_FILE: file });
    await refused(await fetch(url('/api/v1/tasks')), 'unauthorized');
  });
});

it('a file of keys that is named and not there lets nobody in, until there is one', async () => {
  file = join(folder, 'keys.json');
  api = await startApi({ KEYS_FILE: file });
  await refused(await fetch(url('/api/v1/tasks')), 'unauthorized');
  const sha256 = createHash('sha256').update('secret').digest('hex');
  const key = { id: 'k-made', tenant: 'studio', scopes: ['read'], sha256, createdAt: 0 };
  await writeFile(file, JSON.stringify({ keys: [key] }));
  await eventually(async () => expect((await fetch(url('/api/v1/tasks'), bearer('secret'))).status).toBe(200));
  await refused(await fetch(url('/api/v1/tasks')), 'unauthorized');
});

it('a key of the configuration may be written as its hash', async () => {
  const hash = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'; // of "secret"
  api = await startApi({ API_KEYS: `sha256:${hash}` });
  expect((await fetch(url('/api/v1/tasks'), bearer('secret'))).status).toBe(200);
  await refused(await fetch(url('/api/v1/tasks'), bearer(`sha256:${hash}`)), 'unauthorized');
});

describe('[47] a tenant', () => {
  it('may ask so often a minute: every answer says what is left, and 429 when to come again', async () => {
    api = await startApi({ API_KEYS: 'one,two', TENANT_REQUESTS_PER_MINUTE: '3' });
    for (const left of [2, 1, 0]) {
      const response = await fetch(url('/api/v1/tasks'), bearer('one'));
      expect(response.status).toBe(200);
      expect(response.headers.get('ratelimit-policy')).toBe('"requests";q=3;w=60');
      expect(response.headers.get('ratelimit')).toMatch(new RegExp(`^"requests";r=${left};t=\\d+$`));
    }
    const response = await fetch(url('/api/v1/tasks'), bearer('one'));
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(response.headers.get('ratelimit')).toMatch(/r=0/);
    await refused(response, 'rate_limited');
    expect((await fetch(url('/api/v1/tasks'), bearer('two'))).status).toBe(200);
    // Guessing keys costs no tenant anything, and what needs no key is not counted.
    await refused(await fetch(url('/api/v1/tasks'), bearer('wrong')), 'unauthorized');
    expect((await fetch(url('/livez'))).status).toBe(200);
  });

  it('may send so many bytes an hour, whether their length is said or not', async () => {
    api = await startApi({ API_KEYS: 'one,two', TENANT_BYTES_PER_HOUR: '5000' });
    const send = async (key: string, size: number) =>
      post(
        url('/api/v1/enhance'),
        form('file', [Buffer.concat([await jpeg(), Buffer.alloc(size)]), 'a.jpg']),
        bearer(key),
      );
    await refused(await send('one', 6000), 'rate_limited');
    expect((await send('one', 3000)).status).toBe(200);
    await refused(await send('one', 3000), 'rate_limited');
    expect((await send('two', 3000)).status).toBe(200);
    const chunked = async () =>
      fetch(url('/api/v1/plan'), {
        method: 'POST',
        headers: { authorization: 'Bearer two', 'content-type': 'application/json' },
        body: new Blob(['x'.repeat(3000)]).stream(),
        duplex: 'half',
      });
    await refused(await chunked(), 'rate_limited');
    await refused(await send('two', 0), 'rate_limited');
    expect((await fetch(url('/api/v1/tasks'), bearer('one'))).status).toBe(200); // reading costs nothing
    expect((await api.files()).length).toBeGreaterThan(0);
  });
});
