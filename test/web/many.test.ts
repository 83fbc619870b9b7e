/**
 * Property: five hundred photos of a folder travel through the page into one batch; the gallery holds a screenful
 * of them and scrolls without holes; the page is small, and asks for a key where the server wants one. The network is a stand-in.
 */
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { startApi } from '../api/support/running-api.ts';
import { builtPage, haveChromium, launchChromium, visit } from './browser.ts';

const PHOTOS = 500;
const LARGEST_PAGE = 150_000;

const tile = (hue: number): Promise<Buffer> =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: `hsl(${hue % 360}, 60%, 50%)` } })
    .jpeg()
    .toBuffer();

describe.skipIf(!haveChromium('the page is not tested with many photos'))('the page with many photos', () => {
  let house: RealHouse;
  let browser: Browser;
  beforeAll(async () => {
    [house, browser] = await Promise.all([openRealHouse(), launchChromium()]);
    house.engine.picture = await tile(20);
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  test('sends five hundred, and shows them without holes', async () => {
    const { page, complaints } = await visit(browser, house.api.url);
    page.setDefaultTimeout(120_000);
    const files = await Promise.all(
      Array.from({ length: PHOTOS }, async (_, n) => ({
        name: `photo-${String(n).padStart(3, '0')}.jpg`,
        mimeType: 'image/jpeg',
        buffer: await tile(n * 7),
      })),
    );
    await page.setInputFiles('input.file', files);
    await page.getByRole('button', { name: `Enhance ${PHOTOS} photos` }).click();
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    await page.getByText(`${PHOTOS} done`).waitFor();

    const cards = page.locator('.gallery > li');
    expect(await cards.count()).toBeLessThan(80);
    const holes = await page.evaluate(`(async () => {
      let longest = 0;
      for (let y = 0; y < document.body.scrollHeight; y += 300) {
        const before = performance.now();
        scrollTo(0, y);
        await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
        longest = Math.max(longest, performance.now() - before);
      }
      return longest;
    })()`);
    console.log(`the longest step of scrolling through ${PHOTOS} took ${Math.round(Number(holes))} ms`);
    await page.getByText('photo-499.jpg').waitFor();
    await page.getByRole('button', { name: 'Look at photo-499.jpg' }).click();
    await page.getByAltText('After: photo-499.jpg').waitFor();
    await expect.poll(() => page.locator('.gallery .blank').count(), { timeout: 20_000 }).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 150_000);
});

test('the page with everything it may load is small', async () => {
  const names = (await readdir(builtPage, { recursive: true })).filter((name) => /\.(js|css|html|svg)$/.test(name));
  const sizes = await Promise.all(names.map(async (name) => gzipSync(await readFile(join(builtPage, name))).length));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`the page is ${Math.round(bytes / 1000)} kB, compressed`);
  expect(bytes).toBeLessThan(LARGEST_PAGE);
});

test.skipIf(!haveChromium('the key is not tested'))(
  'a server with keys asks for one, once, and no script can read it',
  async () => {
    const api = await startApi({ API_KEYS: 'sesame' });
    await cp(builtPage, join(api.root, 'web'), { recursive: true });
    const browser = await launchChromium();
    try {
      const { page } = await visit(browser, api.url);
      await page.getByLabel('API key').fill('guess');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('This key is not known here.').waitFor();
      await page.getByLabel('API key').fill('sesame');
      await page.keyboard.press('Enter');
      await page.getByText('Drop photos or folders here').waitFor();
      await page.reload();
      await page.getByText('Drop photos or folders here').waitFor();
      expect(await page.evaluate('document.cookie')).toBe('');
      await page.getByRole('link', { name: 'Server' }).click();
      await page.getByRole('button', { name: 'Forget the key' }).click();
      await page.getByLabel('API key').waitFor();
    } finally {
      await browser.close();
      await api.close();
    }
  },
);
