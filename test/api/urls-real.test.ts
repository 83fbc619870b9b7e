/**
 * Property: the photos of a batch are fetched by URL through the guard, each when its turn comes; one that cannot be had is
 * one photo that failed, with a sentence, and neither a server that is silent nor its bytes hold up a cancel.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  batchControlledSchema,
  batchCreatedSchema,
  photoListSchema,
  photosAddedSchema,
} from '../../src/contracts/http-batches.ts';
import { planSchema } from '../../src/contracts/http-plan.ts';
import { ENHANCE_BATCH } from '../../src/contracts/workflow-api.ts';
import { resultsPrefix, uploadsPrefix } from '../../src/storage/keys.ts';
import { serve, type LocalServer } from '../outgoing/support.ts';
import { replayHistories } from '../support/histories.ts';
import { jpeg, png } from './support/photos.ts';
import { makeFolder, openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, refused } from './support/running-api.ts';

/** The only address of this machine that is open; the others stand for everything private. */
const OPEN = '127.0.0.2';
const SETTINGS = { OUTGOING_RANGES: `${OPEN}/32`, UPLOAD_MAX_BYTES: '100000', OUTGOING_TIMEOUT_MS: '20000' };

let house: RealHouse;
let server: LocalServer;
/** Another server, inside: nothing may ever connect to it. */
let inside: LocalServer;
let photo: Buffer;
let silent = 0;
let busy = 0;

beforeAll(async () => {
  [house, photo] = await Promise.all([openRealHouse(SETTINGS), jpeg()]);
  inside = await serve((_request, response) => response.end('secret'));
  server = await serve((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path === '/gone.jpg') response.writeHead(404).end('not here');
    else if (path === '/page.jpg') response.setHeader('content-type', 'image/jpeg').end('<html>no photo</html>');
    else if (path === '/empty.jpg') response.end();
    else if (path === '/large.jpg') response.end(Buffer.concat([photo, Buffer.alloc(200_000)]));
    else if (path === '/cut.jpg')
      response.writeHead(200, { 'content-length': 5000 }).write(photo, () => response.destroy());
    else if (path === '/inside.jpg') response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end();
    else if (path === '/moved.jpg') response.writeHead(301, { location: '/a%20b.jpg' }).end();
    else if (path === '/busy.jpg' && busy++ === 0) response.writeHead(503).end();
    else if (path === '/silent.jpg') silent += 1;
    else response.end(photo);
  });
});
afterAll(async () => {
  await Promise.all([house.close(), server.close(), inside.close()]);
});

const at = (path: string): string => `http://${OPEN}:${server.port}${path}`;
const order = (urls: string[], more: object = {}) =>
  send('POST', `${house.api.url}/api/v1/batches`, { source: { kind: 'urls', urls }, ...more });
const photosOf = async (id: string) =>
  (await answered(await fetch(`${house.api.url}/api/v1/batches/${id}/photos`), photoListSchema)).photos;
/** Of a photo that is tried three times it takes six seconds when nothing else is under way. */
const ended = (id: string) =>
  expect.poll(async () => (await house.api.service.view(id))?.open, { timeout: 60_000, interval: 100 }).toBe(false);

describe('a batch of URLs', () => {
  it('enhances what can be had; every other one fails alone and says why', async () => {
    const urls = [
      at('/a%20b.jpg?token=secret'), at('/gone.jpg'), at('/page.jpg'), at('/empty.jpg'), at('/large.jpg'), at('/cut.jpg'),
      at('/inside.jpg'), at('/moved.jpg'), at('/busy.jpg'), `http://127.0.0.1:${inside.port}/x.jpg`, 'http://nowhere.invalid/x.jpg',
    ]; // prettier-ignore
    const { batch_id: id } = await answered(await order(urls, { max_workers: 11 }), batchCreatedSchema);
    await ended(id);
    const photos = await photosOf(id);
    expect(photos.map(({ error_code: code }) => code)).toEqual([
      null, 'source_missing', 'unsupported_format', 'empty_file', 'file_too_large', 'address_unreachable',
      'url_not_allowed', null, null, 'url_not_allowed', 'address_unreachable',
    ]); // prettier-ignore
    expect(photos[0]).toMatchObject({ filename: 'a b.jpg', status: 'completed' });
    expect(photos[1]?.error).toBe('The address answered 404 instead of a photo.');
    expect(JSON.stringify(photos)).not.toContain('secret');
    expect(inside.connections).toEqual([]); // [48] neither named, nor by redirect
    expect(new Set(server.connections)).toEqual(new Set([OPEN]));
    // Of what failed nothing is kept.
    const kept = await house.api.store.list(`${uploadsPrefix(id)}/00000`);
    expect(kept).toEqual(['000', '007', '008']);
  });

  it('is fetched once: photos that are done again are there already', async () => {
    house.engine.broken = photo;
    const { batch_id: id } = await answered(await order([at('/once.jpg')]), batchCreatedSchema);
    await ended(id);
    expect((await photosOf(id))[0]?.error_code).toBe('image_unreadable');
    house.engine.broken = undefined;
    await send('POST', `${house.api.url}/api/v1/batches/${id}/retry`);
    await eventually(async () => expect((await photosOf(id))[0]?.status).toBe('completed'));
    expect(server.requests.filter((line) => line.includes('once')).length).toBe(1);
  });

  it('goes into a folder, each photo under a name of its own', async () => {
    const folder = await makeFolder(house.photosDir);
    await writeFile(join(folder, 'theirs.jpg'), await png());
    const urls = [at('/x/same.jpg'), at('/y/same.png'), at('/z/same')];
    const destination = { kind: 'folder', path: folder };
    const { batch_id: id } = await answered(await order(urls, { destination }), batchCreatedSchema);
    await ended(id);
    expect((await photosOf(id)).map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect((await readdir(folder)).sort()).toEqual(['same-2.jpg', 'same-3.jpg', 'same.jpg', 'theirs.jpg']);
  });

  it('grows while it is open, each photo fetched when its turn comes', async () => {
    const { batch_id: id } = await answered(
      await send('POST', `${house.api.url}/api/v1/batches`, { open: true }),
      batchCreatedSchema,
    );
    const add = (urls: string[]) =>
      send('POST', `${house.api.url}/api/v1/batches/${id}/photos`, { source: { kind: 'urls', urls } });
    const inside = `http://127.0.0.1:${server.port}/x.jpg`;
    const added = await answered(await add([at('/one.jpg'), inside]), photosAddedSchema);
    expect(added).toMatchObject({ from: 0, count: 2, refused: [{ filename: 'photo', error_code: 'url_not_allowed' }] });
    await eventually(async () => expect((await photosOf(id))[0]?.status).toBe('completed'));
    await answered(await add([at('/two.jpg')]), photosAddedSchema);
    await refused(await add([inside]), 'url_not_allowed');
    await send('POST', `${house.api.url}/api/v1/batches/${id}/seal`);
    await ended(id);
    expect((await photosOf(id)).map(({ status }) => status)).toEqual(['completed', 'failed', 'completed']);
    await refused(await add([at('/late.jpg')]), 'wrong_state');
  });

  it('is planned by the first bytes of each photo, and what cannot be known is said', async () => {
    const urls = [
      at('/plan.jpg'),
      at('/gone.jpg'),
      at('/page.jpg'),
      at('/large.jpg'),
      'http://10.0.0.1/x.jpg',
      at('/cut.jpg'),
    ];
    const plan = await answered(
      await send('POST', `${house.api.url}/api/v1/plan`, { source: { kind: 'urls', urls } }),
      planSchema,
    );
    expect(plan.photos.map(({ error_code: code, status }) => code ?? status)).toEqual([
      'planned', 'source_missing', 'unsupported_format', 'file_too_large', 'url_not_allowed', 'unknown',
    ]); // prettier-ignore
    expect(plan.total).toMatchObject({ photos: 6, planned: 1, refused: 4, unknown: 1 });
    expect(plan.message).toContain('of 1 photo nothing can be said before');
    expect(server.requests.filter((line) => line.includes('plan')).length).toBe(1);
  });

  it('stops at once when it is cancelled, however silent a server is', async () => {
    const { batch_id: id } = await answered(await order([at('/silent.jpg'), at('/silent.jpg')]), batchCreatedSchema);
    await eventually(() => expect(silent).toBe(2));
    const before = Date.now();
    const cancelled = await send('POST', `${house.api.url}/api/v1/batches/${id}/cancel`);
    expect(await answered(cancelled, batchControlledSchema)).toMatchObject({ state: 'cancelled' });
    expect(Date.now() - before).toBeLessThan(3000);
    expect(await house.api.store.list(resultsPrefix(id))).toEqual([]);
  });

  it('[48] of places inside alone is refused as a whole, and nothing is connected to', async () => {
    const before = inside.connections.length;
    const places = [
      '127.0.0.1:PORT', '0x7f000001:PORT', '[::ffff:10.0.0.1]', '[64:ff9b::7f00:1]', '169.254.169.254', 'localhost:PORT', 'user:pw@8.8.8.8',
    ]; // prettier-ignore
    for (const place of places) {
      await refused(await order([`http://${place.replace('PORT', String(inside.port))}/`]), 'url_not_allowed');
    }
    await refused(await order(['file:///etc/passwd']), 'url_not_allowed');
    await refused(await order(['file:///etc/passwd', 'http://10.0.0.1/']), 'url_not_allowed');
    expect(inside.connections.length).toBe(before);
  });
});

it('replays every history this file made', async () => {
  const name = () => 'photos that are fetched by url';
  expect(await replayHistories(house.env, ENHANCE_BATCH, name)).toBe(6);
});
