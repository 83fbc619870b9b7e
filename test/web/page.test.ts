/**
 * A person who has never heard of Temporal gets photos enhanced with the page alone: by mouse, by drop and by keyboard,
 * over a reload and over a server that goes away, without the page breaking the strict policy it is served under.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPage, haveChromium, launchChromium, SAMPLES } from './browser.ts';
import { startStandIn, type StandIn } from './stand-in-server.ts';

const PHOTO_MS = 500;

describe.skipIf(!haveChromium('the page is not tested'))('the page in a browser', () => {
  let folder: string;
  let webRoot: string;
  let browser: Browser;
  let server: StandIn;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained about: script errors and violations of the security policy. */
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-web-'));
    webRoot = await buildPage(folder);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    server = await startStandIn({ photoMs: PHOTO_MS, webRoot });
    context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1200, height: 900 } });
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error' && !line.text().includes('ERR_EMPTY_RESPONSE')) complaints.push(line.text());
    });
    await page.goto(server.address);
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  const choose = (files: Parameters<Page['setInputFiles']>[1]) => page.setInputFiles('input[type=file]', files);
  const start = () => page.getByRole('button', { name: /^Enhance/ }).click();
  const state = (name: string) => page.getByRole('heading', { name, exact: true });

  test('the whole story: choose, start, watch, compare, download, try again', async () => {
    const broken = { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: await readFile(SAMPLES[0] ?? '') };
    await choose(SAMPLES);
    await page.getByRole('heading', { name: '3 photos' }).waitFor();
    await page.getByText('240 × 300').first().waitFor();
    await choose([broken]);
    await page.getByRole('button', { name: 'Enhance 4 photos' }).click();

    await state('Enhancing').waitFor();
    await page
      .getByRole('progressbar', { name: /^Progress of / })
      .first()
      .waitFor();
    await state('Done, with failures').waitFor();
    expect(server.batches[0]?.fields).toEqual({ quality_level: 'fast', tile_size: '400', scale: '4' });

    await page.getByText('240 × 300 → 960 × 1200').waitFor();
    const slider = page.getByRole('slider', { name: 'Boundary between before and after' });
    await slider.press('ArrowRight');
    expect(await slider.inputValue()).toBe('51');

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download chelsea.png' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('chelsea_enhanced.jpg');
    expect((await sharp(await file.path()).metadata()).width).toBe(960);
    const [zip] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download all (ZIP)' }).click(),
    ]);
    expect(zip.suggestedFilename()).toMatch(/\.zip$/);

    await page.getByText('The photo is damaged: the file breaks off in the middle. Find another copy.').waitFor();
    await page.getByRole('button', { name: 'Try the failed photo again' }).click();
    await state('Done').waitFor();
    expect(complaints).toEqual([]);
  });

  test('without a GPU the fastest level is chosen and the page says why; a choice is kept', async () => {
    await choose(SAMPLES);
    await page.getByText('This machine has no GPU, so Fast is chosen for you.').waitFor();
    await page.getByText('is served by realesr-general-x4v3').waitFor();
    expect(await page.getByRole('radio', { name: /^Fast/ }).isChecked()).toBe(true);
    await page.getByRole('radio', { name: /^High/ }).check();
    await page.getByRole('radio', { name: /^2×/ }).check();
    await page.reload();
    await choose(SAMPLES);
    expect(await page.getByRole('radio', { name: /^High/ }).isChecked()).toBe(true);
    await start();
    await state('Done').waitFor();
    expect(server.batches[0]?.fields).toMatchObject({ quality_level: 'high', scale: '2' });
  });

  test('photos can be dropped anywhere; what cannot be taken is named with the reason', async () => {
    const photo = (await readFile(SAMPLES[2] ?? '')).toString('base64');
    await page.evaluate(`{
      const bytes = Uint8Array.from(atob('${photo}'), (letter) => letter.charCodeAt(0));
      const dropped = new DataTransfer();
      dropped.items.add(new File([bytes], 'dropped.jpg'));
      dropped.items.add(new File(['x'], 'notes.txt'));
      dropped.items.add(new File([], 'nothing.png'));
      dropped.items.add(new File([new Uint8Array(51 * 1024 * 1024)], 'huge.tif'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }`);
    await page.getByRole('heading', { name: '1 photo', exact: true }).waitFor();
    const refused = page.getByRole('alert');
    await refused.getByText('3 files were left out:').waitFor();
    expect(await refused.getByRole('listitem').allInnerTexts()).toEqual([
      'notes.txt: not a format that Darkroom reads',
      'nothing.png: the file is empty',
      'huge.tif: larger than 50 MB',
    ]);
    await page.getByRole('button', { name: 'Remove dropped.jpg' }).click();
    await page.getByText('Drop photos here').waitFor();
  });

  test('more photos than one form takes become several batches of one job', async () => {
    const buffer = await sharp({ create: { width: 8, height: 6, channels: 3, background: '#963' } })
      .jpeg()
      .toBuffer();
    await choose(Array.from({ length: 23 }, (_, n) => ({ name: `p${n}.jpg`, mimeType: 'image/jpeg', buffer })));
    await start();
    await page.getByText(/ of 23 done/).waitFor();
    await expect.poll(() => server.batches.map(({ photos }) => photos.length)).toEqual([20, 3]);
    await page.getByRole('link', { name: 'ZIP 2 of 2' }).waitFor();
  });

  test('a reload finds the work again, with its originals, and the list of recent work leads to it', async () => {
    await choose(SAMPLES);
    await start();
    await state('Enhancing').waitFor();
    await page.reload();
    await state('Done').waitFor();
    await page.getByText('240 × 300 → 960 × 1200').waitFor();
    await page.getByRole('button', { name: 'New photos' }).click();
    await page.getByRole('link', { name: /3 photos · Done/ }).click();
    await state('Done').waitFor();

    const elsewhere = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await elsewhere.goto(server.address);
    await elsewhere.getByRole('link', { name: /sent from elsewhere/ }).click();
    await elsewhere.getByText('The original is not in this browser').waitFor();
    await elsewhere.context().close();
  });

  test('a server that goes away is named, and the page goes on when it is back', async () => {
    await choose(SAMPLES);
    await start();
    await state('Enhancing').waitFor();
    server.goAway();
    await page.getByText('The server does not answer.').waitFor();
    server.comeBack();
    await state('Done').waitFor();
    await expect.poll(() => page.getByText('The server does not answer.').count()).toBe(0);
  });

  test('an upload that breaks off keeps the photos and can be sent again', async () => {
    await choose(SAMPLES);
    await page.getByText('240 × 300').first().waitFor();
    server.goAway();
    await start();
    await page.getByText('The upload broke off.').waitFor();
    server.comeBack();
    await page.getByRole('button', { name: 'Enhance 3 photos' }).click();
    await state('Done').waitFor();
  });

  test('a batch is paused, resumed and cancelled where the server offers it', async () => {
    const buffer = await readFile(SAMPLES[0] ?? '');
    await choose([{ name: 'slow.jpg', mimeType: 'image/jpeg', buffer }]);
    await start();
    await page.getByRole('button', { name: 'Pause' }).click();
    await state('Paused').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Yes, stop it' }).click();
    await state('Cancelled').waitFor();
  });

  test('the keyboard alone is enough, from the first tab to the download', async () => {
    await choose([SAMPLES[0] ?? '']);
    await page.getByText('240 × 300').first().waitFor();
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate(
          'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
        );
        if (name.test(String(focused).trim())) return;
      }
      throw new Error(`Expected Tab to reach ${name} within 40 presses`);
    };
    await tabTo(/^choose files$/);
    await tabTo(/^Enhance 1 photo$/);
    await page.keyboard.press('Enter');
    await state('Done').waitFor();
    await tabTo(/^Boundary between/);
    await tabTo(/^Download$/);
  });

  test('everything is there in Chinese, and on a phone nothing sticks out', async () => {
    await page.getByRole('button', { name: /switch to Chinese/ }).click();
    await page.getByText('把照片拖到这里').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await page.setViewportSize({ width: 360, height: 740 });
    await choose(SAMPLES);
    await page.getByRole('button', { name: '增强 3 张照片' }).click();
    await page.getByRole('heading', { name: '完成', exact: true }).waitFor();
    await page.getByText('240 × 300 → 960 × 1200').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(complaints).toEqual([]);
  });
});
