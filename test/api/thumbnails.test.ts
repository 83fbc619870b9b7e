/**
 * Property: a small picture is small, upright, of the photo that was asked for, made once for all who ask, kept within bounds,
 * and no way around who may see what: what is not there, not yet there, not a picture or another's is refused as documented.
 */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawThumbnail } from '../../src/api/thumbnails/draw-thumbnail.ts';
import { DarkroomError } from '../../src/contracts/errors.ts';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { ThumbnailShelf } from '../../src/api/thumbnails/thumbnail-shelf.ts';
import { bmp, png } from './support/photos.ts';
import { send } from './support/real-house.ts';
import { answered, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi({ API_KEYS: 'one,other' });
});
afterAll(() => api.close());

const as = (key: string, headers: Record<string, string> = {}): RequestInit => ({
  headers: { authorization: `Bearer ${key}`, ...headers },
});
const ask = (task: string, query = '', init = as('one')): Promise<Response> =>
  fetch(`${api.url}/api/v1/thumbnails/${task}${query}`, init);

async function submit(...photos: (readonly [Uint8Array, string])[]): Promise<string> {
  const accepted = await post(`${api.url}/api/v1/enhance/batch`, form('files', ...photos), as('one'));
  return (await answered(accepted, batchAcceptedSchema)).batch_task_id;
}

async function sizeOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('image/webp');
  const { width, height, format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
  return [format, width, height];
}

describe('a thumbnail', () => {
  let id: string;
  beforeAll(async () => {
    const sideways = await sharp(await png(900, 600))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    id = await submit([sideways, 'a.jpg'], [bmp(8, 6), 'b.bmp'], [await png(20, 10), 'c.png']);
    await api.service.complete(id, 0, await png(2400, 3600));
    await api.service.complete(id, 2, Buffer.from('no picture'));
  });

  it('is upright, of the size asked for, and never larger than the photo', async () => {
    expect(await sizeOf(await ask(`${id}.0`))).toEqual(['webp', 213, 320]);
    expect(await sizeOf(await ask(`${id}.0`, '?of=result&side=1600'))).toEqual(['webp', 1067, 1600]);
    expect(await sizeOf(await ask(`${id}.0`, '?of=original'))).toEqual(['webp', 213, 320]);
    expect(await sizeOf(await ask(`${id}.2`, '?of=original&side=1600'))).toEqual(['webp', 20, 10]);
  });

  it('has a tag that saves the next one', async () => {
    const first = await ask(`${id}.0`);
    const again = await ask(`${id}.0`, '', as('one', { 'if-none-match': first.headers.get('etag') ?? '' }));
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('is refused where there is none', async () => {
    await refused(await ask(`${id}.1`), 'not_completed');
    await refused(await ask(`${id}.1`, '?of=original'), 'image_unreadable');
    await refused(await ask(`${id}.2`), 'image_unreadable');
    await refused(await ask(`${id}.7`), 'not_found');
    await refused(await ask(`${id}.0`, '', as('other')), 'not_found');
    await refused(await ask(`${id}.0`, '', {}), 'unauthorized');
    await refused(await ask(`${id}.0`, '?side=5000'), 'invalid_request');
  });
});

describe('what is no photo', () => {
  const SVG = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
  );

  it('is not drawn, whatever it was called, refused, or put in the place of a photo since', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'darkroom-thumbnails-')));
    const local = await startApi({}, [root]);
    try {
      await writeFile(join(root, 'evil.jpg'), SVG);
      await writeFile(join(root, 'good.png'), await png(20, 10));
      const source = { source: { kind: 'folder', path: root } };
      const { batch_id: id } = await answered(
        await send('POST', `${local.url}/api/v1/batches`, source),
        batchCreatedSchema,
      );
      const original = (index: number): Promise<Response> =>
        fetch(`${local.url}/api/v1/thumbnails/${id}.${index}?of=original`);
      await refused(await original(0), 'image_unreadable');
      await writeFile(join(root, 'good.png'), SVG);
      await refused(await original(1), 'image_unreadable');
    } finally {
      await local.close();
      await rm(root, { recursive: true, force: true });
    }
  });

  it('is not opened by the library of this process either', async () => {
    await expect(sharp(SVG).metadata()).rejects.toThrow('unsupported image format');
  });
});

describe('a photo that takes much memory to look at', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-heavy-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A progressive JPEG whose header says more than there is: decoding takes all the memory, the file is tiny. */
  const progressive = async (name: string, side: number): Promise<string> => {
    const photo = await sharp(await png(16, 16))
      .jpeg({ progressive: true, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const frame = photo.indexOf(Buffer.from([0xff, 0xc2]));
    photo.writeUInt16BE(side, frame + 5);
    photo.writeUInt16BE(side, frame + 7);
    await writeFile(join(folder, name), photo);
    return join(folder, name);
  };

  it('is drawn alone', async () => {
    const paths = await Promise.all(['a.jpg', 'b.jpg', 'c.jpg'].map((name) => progressive(name, 4600)));
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, sharp.counters().process)), 1);
    const drawn = await Promise.all(paths.map((path) => drawThumbnail(path, 320, 1e8)));
    clearInterval(timer);
    expect(drawn.every(({ length }) => length > 0)).toBe(true);
    expect(most).toBe(1);
  });

  it('is refused when it would take more than there may be', async () => {
    await expect(drawThumbnail(await progressive('huge.jpg', 12_000), 320, 1e9)).rejects.toThrow(
      new DarkroomError('too_many_pixels', 'The photo is too large for a small picture.'),
    );
  });
});

it('a picture is made once for all who ask, two at a time, and the shelf stays within its bound', async () => {
  const shelf = new ThumbnailShelf();
  let made = 0;
  let atOnce = 0;
  let most = 0;
  const make = async (): Promise<Buffer> => {
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    made += 1;
    return Buffer.alloc(1024 * 1024);
  };
  await Promise.all(Array.from({ length: 50 }, () => shelf.find('same', make)));
  expect(made).toBe(1);
  await Promise.all(Array.from({ length: 100 }, (_, n) => shelf.find(`picture ${n}`, make)));
  expect([made, most]).toEqual([101, 2]);
  expect(shelf.bytes).toBe(48 * 1024 * 1024);
  await expect(shelf.find('broken', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect((await shelf.find('broken', make)).length).toBe(1024 * 1024);
});

describe('a session', () => {
  const begin = (key: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${api.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ key }),
    });

  it('carries the key where no header can be sent, unreadable for scripts and never sent by other sites', async () => {
    await refused(await begin('wrong'), 'unauthorized');
    const response = await begin('one');
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^darkroom_session=one; Path=\/api; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const headers = { cookie: cookie.split(';', 1)[0] ?? '' };
    expect((await fetch(`${api.url}/api/v1/tasks`, { headers })).status).toBe(200);
    const foreign = { ...headers, origin: 'https://elsewhere.example' };
    await refused(await fetch(`${api.url}/api/rollback`, { method: 'POST', headers: foreign }), 'forbidden_origin');
    await refused(
      await fetch(`${api.url}/api/v1/tasks`, { headers: { cookie: 'darkroom_session=%' } }),
      'unauthorized',
    );
  });

  it('ends', async () => {
    const ended = await fetch(`${api.url}/api/v1/session`, { method: 'DELETE' });
    expect(ended.headers.get('set-cookie')).toMatch(/^darkroom_session=; .*Max-Age=0/);
  });
});
