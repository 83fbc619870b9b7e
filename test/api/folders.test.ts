/**
 * Property: callers reach the folders below SOURCE_ROOTS and nothing else: not by `..`, not by a link, not hidden ones, not
 * our own; what is not supported is refused with a sentence that says what is.
 */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { chooseRoots } from '../../src/api/sources/roots.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { jpeg } from './support/photos.ts';
import { send } from './support/real-house.ts';
import { answered, refused, startApi, type RunningApi } from './support/running-api.ts';

let place: string;
let root: string;
let api: RunningApi;
beforeAll(async () => {
  place = await realpath(await mkdtemp(join(tmpdir(), 'darkroom-roots-')));
  root = join(place, 'root');
  for (const folder of ['root/in', 'root/.secret', 'root/data/store', 'elsewhere', 'rooted']) {
    await mkdir(join(place, folder), { recursive: true });
    await writeFile(join(place, folder, 'a.jpg'), await jpeg());
  }
  api = await startApi({ DATA_DIR: join(root, 'data') }, [root]);
});
afterAll(async () => {
  await api.close();
  await rm(place, { recursive: true, force: true });
});
beforeEach(() => rm(join(root, 'link'), { force: true }));

const order = (body: object, to = api): Promise<Response> => send('POST', `${to.url}/api/v1/batches`, body);
const from = (path: string) => ({ source: { kind: 'folder', path } });
const into = (path: string) => ({ ...from('in'), destination: { kind: 'folder', path } });
const submitted = (): number => api.service.submitted.length;

it('reads a folder below a root, named in full or from the root on, with its photos known by content', async () => {
  await writeFile(join(root, 'in/notes.txt'), 'no photo');
  await writeFile(join(root, 'in/broken.jpg'), 'no photo either');
  await writeFile(join(root, 'in/unnamed'), await jpeg());
  for (const path of ['in', join(root, 'in'), './in/../in/']) {
    const batch = await answered(await order(from(path)), batchCreatedSchema);
    expect(batch).toMatchObject({ total: 3, failed: 1, skipped: [] });
  }
  const batchId = api.service.submitted.at(-1)?.batchId ?? '';
  const names = (await api.journal.page(batchId, 0)).map(({ name, refused }) => `${name} ${refused?.code ?? 'good'}`);
  expect(names).toEqual(['a.jpg good', 'broken.jpg unsupported_format', 'unnamed good']);
  await rm(join(root, 'in/broken.jpg'));
});

it('reads folders below it unless told not to, never hidden ones nor its own data', async () => {
  expect(await answered(await order(from('.')), batchCreatedSchema)).toMatchObject({ total: 2 });
  const flat = { source: { kind: 'folder', path: '.', recursive: false } };
  await refused(await order(flat), 'no_files');
});

it('refuses every way out of the roots, for sources and destinations, and starts nothing', async () => {
  const before = submitted();
  for (const path of [
    '..',
    '../elsewhere',
    join(place, 'elsewhere'),
    join(place, 'rooted'),
    '/',
    '/etc',
    '.secret',
    'data/store',
    'in/nothing',
  ]) {
    const problem = await refused(await order(from(path)), 'invalid_request');
    expect(problem.errors?.[0]?.pointer).toBe('/source/path');
  }
  for (const path of ['../elsewhere', join(place, 'new'), '.secret/new', 'data/new', 'in/a.jpg', 'in', '.']) {
    const problem = await refused(await order(into(path)), 'invalid_request');
    expect(problem.errors?.[0]?.pointer).toBe('/destination/path');
  }
  await refused(await order(from('in\0x')), 'invalid_request');
  expect(submitted()).toBe(before);
});

it('refuses links that lead out: as source, as destination, and among the photos', async () => {
  const before = submitted();
  await symlink(join(place, 'elsewhere'), join(root, 'link'));
  await refused(await order(from('link')), 'invalid_request');
  await refused(await order(into('link/new')), 'invalid_request');
  await rm(join(root, 'link'));
  await symlink(join(place, 'not there yet'), join(root, 'link'));
  await refused(await order(into('link/new')), 'invalid_request');
  expect(submitted()).toBe(before);

  const folder = join(root, 'linked');
  await mkdir(folder);
  await writeFile(join(folder, 'own.jpg'), await jpeg());
  await symlink(join(place, 'elsewhere/a.jpg'), join(folder, 'out.jpg'));
  await symlink(join(place, 'elsewhere'), join(folder, 'outer'));
  await symlink(join(root, 'in'), join(folder, 'inner'));
  await symlink(folder, join(folder, 'loop'));
  const batch = await answered(await order(from('linked')), batchCreatedSchema);
  expect(batch.skipped.map(({ path }) => path)).toEqual(['out.jpg', 'outer']);
  const photos = await api.journal.page(batch.batch_id, 0);
  expect(photos.map(({ name }) => name)).toEqual(['inner/a.jpg', 'inner/unnamed', 'own.jpg']);
  const paths = photos.map(({ original }) => (original.kind === 'path' ? original.path : ''));
  expect(paths).toEqual([join(root, 'in/a.jpg'), join(root, 'in/unnamed'), join(folder, 'own.jpg')]);
  await rm(folder, { recursive: true });
});

it('says what is supported when asked for something else', async () => {
  for (const kind of ['gs', 'ftp']) {
    const problem = await refused(await order({ source: { kind, ids: [] } }), 'invalid_request');
    expect(problem.detail).toContain('"folder"');
  }
  for (const body of [
    {},
    { ...from('in'), destination: { kind: 's3' } },
    { open: true, destination: { kind: 'in_place' } },
    { ...from('in'), open: true, destination: { kind: 'in_place' } },
    { ...from('in'), priority: 6 },
    { ...from('in'), max_workers: 0 },
    { ...from('in'), options: { tile_size: 100 } },
    { ...from('in'), tags: [''] },
    { ...from('in'), surprise: 1 },
  ]) {
    await refused(await order(body), 'invalid_request');
  }
});

it('uses no folder when it has no root', async () => {
  const bare = await startApi();
  try {
    expect((await refused(await order(from('in'), bare), 'invalid_request')).detail).toContain('SOURCE_ROOTS');
    await answered(await order({ open: true }, bare), batchCreatedSchema);
  } finally {
    await bare.close();
  }
});

it('has the folder it was started in as its root only while nobody else can ask', () => {
  const roots = (settings: Record<string, string>) => chooseRoots(parseConfig(settings), '/start');
  expect(roots({})).toEqual(['/start']);
  expect(roots({ HOST: '0.0.0.0' })).toEqual([]);
  expect(roots({ SOURCE_ROOTS: 'none' })).toEqual([]);
  expect(roots({ HOST: '0.0.0.0', SOURCE_ROOTS: '/a, b' })).toEqual(['/a', '/start/b']);
});
