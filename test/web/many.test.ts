/**
 * Property: five hundred photos of a folder travel through the page into one batch; the gallery holds a screenful
 * of them and scrolls without holes; the page is small. The network is a stand-in.
 */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { openRealHouse, send, type RealHouse } from '../api/support/real-house.ts';
import { answered } from '../api/support/running-api.ts';
import { builtPage, haveChromium, launchChromium, visit } from './browser.ts';

const PHOTOS = 500;
const LARGEST_PAGE = 150_000;

/** A thousand results, of a batch that came from a folder: the gallery is as quick as with ten. */
const RESULTS = 1000;

/** However many photos there are: a window of cards, and some rows to spare. */
const MOST_CARDS = 80;

/** Scrolls to the end as a person does who looks for something. @returns the most cards there were at any time. */
async function scrollThrough(page: Page, photos: number): Promise<number> {
  const { longest, cards } = await page.evaluate<{ longest: number; cards: number }>(`(async () => {
    let [longest, cards] = [0, 0];
    for (let y = 0; y < document.body.scrollHeight; y += 300) {
      const before = performance.now();
      scrollTo(0, y);
      await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
      longest = Math.max(longest, performance.now() - before);
      cards = Math.max(cards, document.querySelectorAll('.gallery > li').length);
    }
    return { longest, cards };
  })()`);
  console.log(`the longest step of scrolling through ${photos} took ${Math.round(longest)} ms`);
  expect(cards).toBeGreaterThan(0);
  return cards;
}

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

    expect(await scrollThrough(page, PHOTOS)).toBeLessThan(MOST_CARDS);
    await page.getByText('photo-499.jpg').waitFor();
    await page.getByRole('button', { name: 'Look at photo-499.jpg' }).click();
    await page.getByAltText('After: photo-499.jpg').waitFor();
    await expect.poll(() => page.locator('.gallery .blank').count(), { timeout: 20_000 }).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 150_000);

  test('shows a thousand results from one end to the other', async () => {
    const photo = await tile(40);
    const folder = join(house.photosDir, 'thousand');
    await mkdir(folder);
    const names = Array.from({ length: RESULTS }, (_, n) => `photo-${String(n).padStart(3, '0')}.jpg`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), photo)));
    const order = { source: { kind: 'folder', path: folder }, max_workers: 16 };
    const made = await send('POST', `${house.api.url}/api/v1/batches`, order);
    const { batch_id: id } = await answered(made, batchCreatedSchema);
    const { page, complaints } = await visit(browser, `${house.api.url}/#/job/${id}`);
    page.setDefaultTimeout(120_000);
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    await page.getByText(`${RESULTS} done`).waitFor();
    expect(await scrollThrough(page, RESULTS)).toBeLessThan(MOST_CARDS);
    // The last of them is there with its picture, and End and Home reach both ends.
    const pictureOf = (name: string) => page.getByRole('button', { name: `Look at ${name}` }).locator('img');
    const drawn = (name: string) =>
      pictureOf(name).evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth);
    await expect.poll(() => drawn('photo-999.jpg'), { timeout: 20_000 }).toBeGreaterThan(0);
    await page.keyboard.press('Home');
    await expect.poll(() => drawn('photo-000.jpg'), { timeout: 20_000 }).toBeGreaterThan(0);
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
