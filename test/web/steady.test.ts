/**
 * Property: nothing jumps. From the empty page over twelve photos that are chosen, sent, worked on and looked at, all that moves
 * without the person having just touched it adds up to less than a tenth (what a browser calls cumulative layout shift), on a
 * desk and on a phone. The network is a stand-in.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { builtPage, DESK, haveChromium, launchChromium, visit } from './browser.ts';

const PHONE = { locale: 'en-GB', viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };
const PHOTOS = 12;
/** Of a stand-in's work on one photo: long enough to be watched. */
const WORK_MS = 300;
const MOST_SHIFT = 0.1;
/** Late pictures and answers move things too. */
const CALM_MS = 1500;

const picture = (hue: number, width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: `hsl(${hue}, 60%, 50%)` } })
    .jpeg()
    .toBuffer();
/** Of what the stand-in makes of each. */
const RESULT = { width: 480, height: 320 };

interface Shift {
  readonly value: number;
  readonly what: string;
}

/** Every shift since the page began to load, with what moved. */
const watchShifts = (page: Page): Promise<void> =>
  page.evaluate(`{
    window.shifts = [];
    const tell = ({ node, previousRect: from, currentRect: to }) =>
      (node?.className || node?.nodeName) + ' ' + [from, to].map(({ x, y, width, height }) => [x, y, width, height].map(Math.round)).join(' to ');
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries())
        if (!hadRecentInput) window.shifts.push({ value, what: sources.map(tell).join('; ') });
    }).observe({ type: 'layout-shift', buffered: true });
  }`);

describe.skipIf(!haveChromium('jumps are not measured'))('the page', () => {
  let house: RealHouse;
  let browser: Browser;
  beforeAll(async () => {
    [house, browser] = await Promise.all([openRealHouse(), launchChromium()]);
    house.engine.picture = await picture(20, RESULT.width, RESULT.height);
    house.engine.size = RESULT;
    house.engine.ms = WORK_MS;
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  test.each<[string, BrowserContextOptions]>([
    ['desk', DESK],
    ['phone', PHONE],
  ])(
    'does not jump on a %s',
    async (name, options) => {
      const { page } = await visit(browser, 'about:blank', options);
      // No engine says that it is ready here; the banner that a page shows then is another story.
      await page.route('**/health', async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), status: 'healthy' } });
      });
      await page.goto(house.api.url);
      page.setDefaultTimeout(60_000);
      await watchShifts(page);
      const told: string[] = [];
      let before = 0;
      /** What has moved since the last time. */
      const mark = async (state: string): Promise<void> => {
        await page.waitForTimeout(CALM_MS);
        const shifts = await page.evaluate<Shift[]>('window.shifts');
        for (const { value, what } of shifts.slice(before)) told.push(`${value.toFixed(4)} ${state}: ${what}`);
        before = shifts.length;
      };
      await page.getByRole('button', { name: 'Choose files' }).waitFor();
      await mark('empty');
      const buffers = await Promise.all(Array.from({ length: PHOTOS }, (_, n) => picture(n * 30, 120, 80)));
      const files = buffers.map((buffer, n) => ({ name: `photo-${n}.jpg`, mimeType: 'image/jpeg', buffer }));
      await page.setInputFiles('input.file', files);
      await page.getByText(`${PHOTOS} photos`).first().waitFor();
      await mark('chosen');
      const start = page.getByRole('button', { name: `Enhance ${PHOTOS} photos` });
      const { y, height } = (await start.boundingBox()) ?? { y: Number.NaN, height: 0 };
      expect(y + height, 'the button is in the window without scrolling').toBeLessThanOrEqual(
        page.viewportSize()?.height ?? 0,
      );
      await start.click();
      await page.getByAltText(/^After: /).waitFor();
      await mark('running');
      await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
      await mark('done');
      for (const n of [2, 1]) {
        await page.getByRole('button', { name: `Look at photo-${n}.jpg` }).click();
        await page.getByAltText(`After: photo-${n}.jpg`).waitFor();
        await mark(`photo ${n} opened`);
      }
      await page.getByRole('button', { name: 'Side by side' }).click();
      await mark('side by side');
      const sum = told.reduce((all, line) => all + Number.parseFloat(line), 0);
      console.log(`layout shift on a ${name}: ${sum.toFixed(3)}`);
      expect(sum, told.join('\n')).toBeLessThan(MOST_SHIFT);
      await page.context().close();
    },
    120_000,
  );
});
