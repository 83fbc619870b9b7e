// Property: what somebody outside names is asked only on the public internet, however it is written and whatever a name server says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkAddresses } from '../../src/outgoing/addresses.ts';
import { OutgoingGuard } from '../../src/outgoing/guard.ts';
import { sendRequest } from '../../src/outgoing/request.ts';
import { resolveByDns } from '../../src/outgoing/resolve.ts';
import { makeGuard, nameServer, serve, type LocalServer } from './support.ts';

const { signal } = new AbortController();
const ask = (guard: OutgoingGuard, url: string, redirects = 5) =>
  sendRequest(guard, { url, redirects, timeoutMs: 3000, signal });

describe('addresses', () => {
  const isPublic = checkAddresses([]);

  it.each([
    '0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '168.63.129.16', '::ffff:168.63.129.16', '169.254.169.254', '172.16.0.1',
    '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1',
    '240.0.0.1', '255.255.255.255', '::', '::1', '::10.0.0.1', '::ffff:10.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1',
    '::ffff:0:10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1', '100::1', '2001::1', '2001:db8::1',
    '2002:7f00:1::', '2002:a9fe:a9fe::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'ff02::1',
    'nonsense', '', '1.2.3',
  ])('[48] refuses %s', (address) => expect(isPublic(address)).toBe(false)); // prettier-ignore

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])('lets %s pass', (address) =>
    expect(isPublic(address)).toBe(true),
  );

  it('lets the ranges of the configuration pass, and nothing beside them', () => {
    const isAllowed = checkAddresses(['10.1.0.0/16', 'fd00::/8']);
    expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1'].map((address) => isAllowed(address))).toEqual([true, true, true]);
    expect(['10.2.0.1', 'fe80::1', '127.0.0.1'].map((address) => isAllowed(address))).toEqual([false, false, false]);
  });
});

describe('a URL', () => {
  let server: LocalServer;
  beforeAll(async () => {
    server = await serve((_request, response) => response.end('secret'));
  });
  afterAll(() => server.close());

  const PLACES = [
    'http://127.0.0.1:PORT/', 'http://0x7f000001:PORT/', 'http://2130706433:PORT/', 'http://0177.0.0.1:PORT/',
    'http://127.1:PORT/', 'http://0:PORT/', 'http://localhost:PORT/', 'http://LOCALHOST.:PORT/', 'http://a.localhost:PORT/',
    'http://[::1]:PORT/', 'http://[::ffff:127.0.0.1]:PORT/', 'http://[::ffff:10.0.0.1]:PORT/', 'http://[64:ff9b::7f00:1]:PORT/',
    'http://169.254.169.254/latest/meta-data/', 'http://private.test:PORT/', 'http://one-of-two.test:PORT/',
    'http://user:pw@public.test:PORT/', 'http://user@public.test:PORT/', 'file:///etc/passwd', 'ftp://public.test/',
    'gopher://127.0.0.1:PORT/', 'data:text/plain,x', 'http://public.test:22/', 'http://public.test:25/', '//public.test/', '',
  ]; // prettier-ignore

  it.each(PLACES)('[48] %s is refused, and nothing is connected to', async (place) => {
    const names = {
      'private.test': [['127.0.0.1']],
      'one-of-two.test': [['8.8.8.8', '127.0.0.1']],
      'public.test': [['8.8.8.8']],
    };
    const url = place.replace('PORT', String(server.port));
    await expect(ask(makeGuard({ names }), url)).rejects.toMatchObject({ code: 'url_not_allowed' });
    await expect(makeGuard({ names }).inspect(url, signal)).rejects.toMatchObject({ code: 'url_not_allowed' });
    expect(server.connections).toEqual([]);
  });

  it('of more than 2,048 characters is refused', () => {
    expect(() => makeGuard().checkUrl(`http://public.test/${'x'.repeat(3000)}`)).toThrow(/2048/);
  });

  it('is refused when its host is not listed', async () => {
    const guard = makeGuard({ hosts: ['photos.test', '*.cdn.test'] });
    for (const url of ['http://photos.test/a', 'https://a.CDN.test/b', 'http://a.b.cdn.test/']) {
      expect((await guard.inspect(url, signal)).href.toLowerCase()).toBe(url.toLowerCase());
    }
    for (const url of ['http://cdn.test/', 'http://xcdn.test/', 'http://photos.test.evil.test/', 'http://8.8.8.8/']) {
      expect(() => guard.checkUrl(url)).toThrow(expect.objectContaining({ code: 'url_not_allowed' }));
    }
    expect(() => makeGuard({ hosts: ['none'] }).checkUrl('http://photos.test/')).toThrow(/OUTGOING_HOSTS/);
  });

  it('with a name that nobody knows is taken in, and cannot be fetched', async () => {
    await expect(makeGuard().inspect('http://unknown.test/a.jpg', signal)).resolves.toMatchObject({
      host: 'unknown.test',
    });
    await expect(ask(makeGuard(), 'http://unknown.test/a.jpg')).rejects.toMatchObject({ code: 'address_unreachable' });
  });
});

describe('the name servers of this host', () => {
  it('are not asked for localhost, and a name that nobody has is no fault', async () => {
    expect(await resolveByDns('localhost', signal)).toEqual(['127.0.0.1', '::1']);
    expect(await resolveByDns('no-such-name.invalid', signal)).toEqual([]);
    await expect(resolveByDns('no-such-name.invalid', AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

describe('[48] a name that changes its answer', () => {
  it('is connected to at the address that was checked, and refused when its next answer is another', async () => {
    const server = await serve((_request, response) => response.end('photo'));
    const resolve = nameServer({ 'rebinding.test': [['127.0.0.2'], ['127.0.0.1']] });
    const guard = new OutgoingGuard({ hosts: [], ranges: ['127.0.0.2/32'], resolve });
    const url = `http://rebinding.test:${server.port}/`;
    const answer = await ask(guard, url);
    expect(answer.status).toBe(200);
    answer.close();
    expect(resolve.asked).toEqual(['rebinding.test']); // once: the connection asked nobody again
    expect(server.connections).toEqual(['127.0.0.2']);
    await expect(ask(guard, url)).rejects.toMatchObject({ code: 'url_not_allowed' });
    expect(server.connections).toEqual(['127.0.0.2']);
    await server.close();
  });
});
