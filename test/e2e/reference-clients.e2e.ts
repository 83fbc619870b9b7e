// Property: clients that were written for the reference service work as they are: Python programs with either usual library, and
// pages of another origin in a real browser, with fetch, XMLHttpRequest and EventSource.
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, launchChromium } from '../web/browser.ts';
import { House, packageDir, possible } from './house.ts';
import { crops } from './photos.ts';

const run = promisify(execFile);
const python = process.env['DARKROOM_PYTHON'];
if (python === undefined) console.warn('SKIPPED: Python clients. See above why there is no Python for them.');

describe.skipIf(!possible)('clients of the reference service', () => {
  let folder: string;
  let house: House;
  let elsewhere: Server;
  let origin: string;
  let photos: { name: string; base64: string }[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-clients-'));
    const habits = await readFile(join(packageDir, 'test/e2e/pages/habits.js'));
    elsewhere = createServer(({ url }, response) => {
      const isScript = url === '/habits.js';
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? habits : '<!doctype html><script src="/habits.js"></script>');
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const address = elsewhere.address();
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    house = await House.start({ CORS_ORIGINS: origin });
    const small = await crops(2, 40, 30);
    photos = small.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
    await Promise.all(small.map(({ name, bytes }) => writeFile(join(folder, name), bytes)));
  });
  afterAll(async () => {
    await house?.close();
    elsewhere?.close();
    await rm(folder, { recursive: true, force: true });
  });

  // Where everything must be tried, a Python that is missing fails.
  describe.skipIf(python === undefined && !process.env['CI'])('in Python', () => {
    it.each(['requests', 'httpx'])('with %s', async (library) => {
      const paths = photos.map(({ name }) => join(folder, name));
      const program = join(packageDir, 'test/clients/reference_client.py');
      const { stdout } = await run(python ?? '', ['-B', program, library, house.url, ...paths]);
      const seen = JSON.parse(stdout) as Record<string, unknown>;
      expect(seen['health']).toMatchObject({ status: 'healthy', cuda: false });
      for (const how of ['query', 'form']) {
        expect(seen[how]).toMatchObject({ type: 'image/jpeg', name: expect.stringContaining('_enhanced.jpg') });
      }
      expect(seen['batch']).toMatchObject({
        status: 'partial_completed',
        sub_tasks: ['completed', 'completed', 'failed'],
        errors: [null, null, expect.stringMatching(/not a photo/)],
        progress: [3, 2, 1, 1],
        undo: 'r-',
      });
      expect(seen['errors']).toEqual([
        expect.stringContaining('not a photo'),
        expect.stringContaining('tile_size'),
        expect.stringContaining('20 photos'),
        expect.stringMatching(/no task/),
        expect.stringMatching(/no batch/),
      ]);
      expect(seen['lists']).toMatchObject({
        tasks: true,
        status: 'running',
        metrics: expect.arrayContaining(['cpu_usage']),
      });
    });
  });

  describe.skipIf(!haveChromium('pages of other origins are not tried'))('on a page of another origin', () => {
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      browser = await launchChromium();
      page = await browser.newPage();
      await page.goto(origin);
    });
    afterAll(async () => await browser?.close());

    const habit = (name: string, given: object): Promise<unknown> =>
      page.evaluate(`${name}(${JSON.stringify({ url: house.url, ...given })})`);

    it('with fetch: form, polling, result, error and removal', async () => {
      const seen = await habit('fetchFromPage', { photo: photos[0] });
      expect(seen).toMatchObject({
        accepted: 200,
        location: expect.stringMatching(/^\/api\/v1\/status\//),
        status: 'completed',
        type: 'image/jpeg',
        name: expect.stringContaining('_enhanced.jpg'),
        detail: expect.stringContaining('tile_size'),
        removed: 200,
      });
    });

    it('with XMLHttpRequest: progress of the upload, a blob as the answer', async () => {
      const seen = await habit('sendFromPage', { photo: photos[0] });
      expect(seen).toMatchObject({ accepted: 200, told: true, status: 'completed', blob: 'image/jpeg' });
    });

    it('with EventSource: everything until the end', async () => {
      const batchId = await habit('batchFromPage', { photos });
      const names = (await habit('eventsFromPage', { batchId })) as string[];
      expect(names[0]).toBe('snapshot');
      expect(names.at(-1)).toBe('end completed');
    });

    it('is shown nothing when its origin is not listed', async () => {
      const other = await browser.newPage();
      await other.goto(origin.replace('127.0.0.1', 'localhost'));
      const reason = await other.evaluate(`fetch('${house.url}/health').then(() => 'answered', String)`);
      expect(reason).toMatch(/Failed to fetch/);
    });
  });
});
