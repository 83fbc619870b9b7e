// A network is installed only whole, checked and from the pinned bytes, whatever the network, the disk and others do.
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstallStep } from '../../src/models/install-model.ts';
import { inspectModel, modelPlaces, readInstalledModels } from '../../src/models/installed-models.ts';
import { verifyModel } from '../../src/models/verify-model.ts';
import { openTinyHouse, type TinyHouse } from './tiny-house.ts';
import { pinned, TINY_PARAM, tinyBin, tinyEntry, writeTinyVectors } from './tiny-network.ts';

let house: TinyHouse;
beforeEach(async () => {
  house = await openTinyHouse();
});
afterEach(async () => {
  await house.close();
});

const FILES = ['tiny.bin', 'tiny.param'];
const ended = (error: unknown): unknown => error;

describe('installModel', () => {
  it('fetches, converts and checks once', async () => {
    const steps: InstallStep[] = [];
    const { model, from } = await house.install(house.entry, { onStep: (step) => steps.push(step) });
    expect(from).toBe('network');
    expect(model).toMatchObject({ weights: house.entry.files.bin.sha256, entry: { name: 'tiny' } });
    expect(await readInstalledModels(house.cacheDir, [house.entry])).toEqual([model]);
    expect(await house.downloads()).toEqual(FILES);
    const total = tinyBin().length + TINY_PARAM.length;
    expect(steps).toContainEqual({ kind: 'fetching', what: 'Tiny', done: total, total });
    expect(steps.slice(-2).map(({ kind }) => kind)).toEqual(['converting', 'checking']);
    expect(await verifyModel(house.entry, house.cacheDir, house.modelsDir)).toMatchObject({ ok: true });

    const asked = house.server.asked.length;
    expect((await house.install(house.entry)).from).toBe('installed');
    expect(house.server.asked).toHaveLength(asked);
  });

  it('goes on where a cut connection ended', async () => {
    house.server.cutAfter.set('/tiny.bin', [1_000]);
    expect((await house.install(house.entry)).from).toBe('network');
    expect(house.server.asked).toContain('/tiny.bin bytes=1000-');
  });

  it('goes on where an interrupted pull ended', async () => {
    house.server.hangAfter.set('/tiny.bin', 2_000);
    const stop = new AbortController();
    const onStep = (step: InstallStep): void => {
      if (step.kind !== 'fetching' || step.done < TINY_PARAM.length + 2_000) return;
      setTimeout(() => stop.abort(new Error('stopped')), 300);
    };
    await expect(house.install(house.entry, { signal: stop.signal, onStep })).rejects.toThrow('stopped');
    house.server.hangAfter.clear();
    expect((await house.install(house.entry)).from).toBe('network');
    expect(house.server.asked.at(-1)).toBe('/tiny.bin bytes=2000-');
    expect(await house.downloads()).toEqual(FILES);
  });

  it('takes over what a process that is gone left behind', async () => {
    // 2^22 + 1 is above the largest process id of Linux.
    const left = join(house.cacheDir, 'downloads', `work-${hostname()}-4194305-abcdef`);
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'tiny.bin.part'), tinyBin().subarray(0, 500));
    await house.install(house.entry);
    expect(house.server.asked).toContain('/tiny.bin bytes=500-');
    expect(await house.downloads()).toEqual(FILES);
  });

  it('refuses other bytes than the pinned ones, and removes them', async () => {
    house.server.files.set('/tiny.bin', Buffer.from(tinyBin()).fill(0, 500, 600));
    const error = await house.install(house.entry).catch(ended);
    expect(error).toMatchObject({ code: 'download_corrupt' });
    expect(String(error)).toMatch(/tiny\.bin has the SHA-256 [0-9a-f]{64} where [0-9a-f]{64} is expected/);
    expect(await house.downloads()).toEqual(['tiny.param']);
    expect(await inspectModel(house.cacheDir, house.entry)).toMatchObject({ state: 'missing' });
  });

  it('says in one sentence when a file is not there', async () => {
    house.server.files.delete('/tiny.bin');
    const error = await house.install(house.entry).catch(ended);
    expect(error).toMatchObject({
      code: 'download_failed',
      message: expect.stringMatching(/answered 404 for tiny\.bin\.$/),
    });
  });

  it('tries the sources in order', async () => {
    const [working] = house.entry.sources;
    const broken = {
      kind: 'url' as const,
      urls: { 'tiny.param': `${house.server.url}/a`, 'tiny.bin': `${house.server.url}/b` },
    };
    if (working === undefined) throw new Error('Expected a source');
    expect((await house.install(tinyEntry([broken, working]))).from).toBe('network');
    expect(house.server.asked.at(0)).toBe('/a');
  });

  it('lets several install the same at once', async () => {
    const all = await Promise.all([1, 2, 3].map(async () => await house.install(house.entry)));
    expect(new Set(all.map(({ model }) => model.graphPath)).size).toBe(1);
    expect(await readInstalledModels(house.cacheDir, [house.entry])).toHaveLength(1);
    expect(await house.downloads()).toEqual(FILES);
  });

  it('refuses a graph that does not reproduce its reference', async () => {
    const modelsDir = join(house.root, 'spoilt');
    await writeTinyVectors(modelsDir, 0x40);
    await expect(house.install(house.entry, { modelsDir })).rejects.toMatchObject({
      code: 'model_corrupt',
      message: expect.stringMatching(/off by up to 6[345] of 255 levels/),
    });
    expect(await inspectModel(house.cacheDir, house.entry)).toMatchObject({ state: 'missing' });
  });
});

async function fillMirror(spoil: boolean): Promise<string> {
  const mirrorDir = join(house.root, 'mirror');
  await mkdir(mirrorDir);
  await writeFile(join(mirrorDir, 'tiny.param'), TINY_PARAM);
  await writeFile(join(mirrorDir, 'tiny.bin'), spoil ? 'something else' : tinyBin());
  return mirrorDir;
}

describe('the mirror', () => {
  it('is asked before the network, and what it gave is kept', async () => {
    const mirrorDir = await fillMirror(false);
    expect((await house.install(house.entry, { mirrorDir })).from).toBe('mirror');
    expect(house.server.asked).toEqual([]);
    expect(await house.downloads()).toEqual(FILES);
  });

  it('is passed over when it has something else, and named when nothing else helps', async () => {
    const mirrorDir = await fillMirror(true);
    house.server.files.clear();
    await expect(house.install(house.entry, { mirrorDir })).rejects.toThrow(/the mirror has of tiny .*answered 404/);
    house.server.files.set('/tiny.param', Buffer.from(TINY_PARAM)).set('/tiny.bin', tinyBin());
    expect((await house.install(house.entry, { mirrorDir })).from).toBe('network');
  });
});

describe('an installed network', () => {
  it('of another converter version is made anew from what was kept', async () => {
    await house.install(house.entry);
    const { record } = modelPlaces(house.cacheDir, 'tiny');
    await writeFile(record, (await readFile(record, 'utf8')).replace(/"converter": \d+/, '"converter": 0'));
    expect(await inspectModel(house.cacheDir, house.entry)).toMatchObject({ state: 'outdated' });
    const outdated: string[] = [];
    const usable = await readInstalledModels(house.cacheDir, [house.entry], ({ name }) => outdated.push(name));
    expect([usable, outdated]).toEqual([[], ['tiny']]);
    house.server.files.clear();
    expect((await house.install(house.entry)).from).toBe('kept');
  });

  it('that is damaged stops a worker, is told by verify, and is mended by installing', async () => {
    const { model } = await house.install(house.entry);
    await truncate(model.graphPath, 100);
    await expect(readInstalledModels(house.cacheDir, [house.entry])).rejects.toMatchObject({ code: 'model_corrupt' });
    const found = await verifyModel(house.entry, house.cacheDir, house.modelsDir);
    expect(found).toMatchObject({ ok: false, state: 'damaged', detail: expect.stringMatching(/^It is damaged/) });
    expect((await house.install(house.entry)).from).toBe('kept');
    await rm(model.graphPath);
    expect(await inspectModel(house.cacheDir, house.entry)).toMatchObject({ state: 'damaged' });
  });

  it('is made anew when the catalogue pins other weights', async () => {
    await house.install(house.entry);
    const bin = Buffer.from(tinyBin());
    bin.writeFloatLE(0.5, bin.length - 4);
    const other = { ...house.entry, files: { ...house.entry.files, bin: pinned('tiny.bin', bin) } };
    expect(await inspectModel(house.cacheDir, other)).toMatchObject({ state: 'outdated' });
  });

  it('is what verify says it is: nothing', async () => {
    expect(await verifyModel(house.entry, house.cacheDir, house.modelsDir)).toMatchObject({
      ok: false,
      state: 'missing',
    });
    await mkdir(modelPlaces(house.cacheDir, 'tiny').folder, { recursive: true });
    await copyFile(join(house.modelsDir, 'vectors', 'input.png'), modelPlaces(house.cacheDir, 'tiny').record);
    expect(await verifyModel(house.entry, house.cacheDir, house.modelsDir)).toMatchObject({ state: 'damaged' });
  });
});
