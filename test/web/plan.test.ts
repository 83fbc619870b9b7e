/**
 * Property: a level says what a photo costs here as soon as the server knows, and until then that it is not known: a server that
 * has just started times its networks one after the other, and one that was away is asked again when it is back.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jpeg } from '../api/support/photos.ts';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { builtPage, haveChromium, launchChromium, visit } from './browser.ts';

/** Seconds of a photo, as a server tells them that has timed these networks. */
const TIMED: Record<string, number> = { fast: 2, medium: 9, high: 75 };

describe.skipIf(!haveChromium('times of levels are not tested'))('what a photo costs', () => {
  let house: RealHouse;
  let browser: Browser;
  beforeAll(async () => {
    [house, browser] = await Promise.all([openRealHouse(), launchChromium()]);
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  test('is told as soon as it is known, by itself', async () => {
    const { page } = await visit(browser, house.api.url);
    page.setDefaultTimeout(30_000);
    /** Levels that the server has timed; nothing answers while there is no such list. */
    let timed: string[] | undefined;
    await page.route('**/api/v1/plan*', async (route) => {
      if (timed === undefined) return await route.abort();
      const { options } = route.request().postDataJSON() as { options: { quality_level: string } };
      const answer = await route.fetch();
      const told = (await answer.json()) as { total: object };
      const seconds = timed.includes(options.quality_level) ? TIMED[options.quality_level] : null;
      return await route.fulfill({ response: answer, json: { ...told, total: { ...told.total, seconds } } });
    });
    const files = [{ name: 'a.jpg', mimeType: 'image/jpeg', buffer: await jpeg() }];
    const times = page.locator('.pick .time');
    const failed = page.waitForEvent('requestfailed');
    await page.setInputFiles('input.file', files);
    await failed;
    expect(await times.allTextContents(), 'nothing is said while nothing is known').toEqual(['', '', '']);

    timed = [];
    await expect.poll(() => times.allTextContents(), { timeout: 15_000 }).toEqual(Array(3).fill('not timed here yet'));
    await page.getByText('1 photo; the speed here is not known yet').waitFor();

    timed = ['fast', 'high'];
    await expect
      .poll(() => times.allTextContents(), { timeout: 15_000 })
      .toEqual(['about 2s a photo here', 'not timed here yet', 'about 1m 15s a photo here']);

    timed = ['fast', 'medium', 'high'];
    await expect.poll(() => times.nth(1).textContent(), { timeout: 15_000 }).toBe('about 9s a photo here');
    await page.context().close();
  }, 90_000);
});
