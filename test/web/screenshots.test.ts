/**
 * Pictures of every state of the page, for people to look at, made with a real house. Only when SCREENSHOTS_DIR says where to:
 * `SCREENSHOTS_DIR=docs/screenshots npm test -- test/web/screenshots.test.ts`
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { House, possible } from '../e2e/house.ts';
import { crops, truncated } from '../e2e/photos.ts';
import { haveChromium, launchChromium, SAMPLES, visit } from './browser.ts';

const target = process.env['SCREENSHOTS_DIR'];
/** Of the pictures, in pixels: they are looked at in a document. */
const WIDTH = 900;
const PHONE_WIDTH = 600;
const PATIENCE_MS = 120_000;
/** What moves would be caught half-way. */
const STILL = { reducedMotion: 'reduce' } as const;
const DESK = { ...STILL, viewport: { width: 1280, height: 860 }, locale: 'en-GB' };
const PHONE = { ...STILL, viewport: { width: 390, height: 800 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

describe.skipIf(target === undefined || !possible || !haveChromium('screenshots'))('screenshots', () => {
  let browser: Browser;
  let house: House;
  beforeAll(async () => {
    [house, browser] = await Promise.all([House.start(), launchChromium(), mkdir(target ?? '', { recursive: true })]);
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  const shoot = async (page: Page, name: string): Promise<void> => {
    const width = name.startsWith('phone') ? PHONE_WIDTH : WIDTH;
    const picture = sharp(await page.screenshot()).resize({ width });
    await picture.webp({ quality: 72, effort: 6 }).toFile(join(target ?? '', `${name}.webp`));
  };

  test.each<[string, BrowserContextOptions]>([
    ['desk', DESK],
    ['dark', { ...DESK, colorScheme: 'dark' }],
    ['phone', { ...PHONE, locale: 'zh-CN' }],
    ['phone-dark', { ...PHONE, locale: 'en-GB', colorScheme: 'dark' }],
  ])(
    '%s',
    async (name, options) => {
      const { page } = await visit(browser, house.url, options);
      page.setDefaultTimeout(PATIENCE_MS);
      await walk(page, (state) => shoot(page, `${name}-${state}`));
      await page.context().close();
    },
    2 * PATIENCE_MS,
  );

  async function walk(page: Page, shot: (state: string) => Promise<void>): Promise<void> {
    await page.locator('.state.good').waitFor();
    await page.waitForLoadState('networkidle');
    await shot('1-empty');
    const [torn] = (await crops(1)).map(truncated);
    if (!torn) throw new Error('Expected a photo');
    const large = await crops(3, 1600, 1200);
    await page.setInputFiles('input.file', [...SAMPLES]);
    await page.setInputFiles('input.file', [
      ...large.map(({ name, bytes }) => ({ name, mimeType: 'image/jpeg', buffer: Buffer.from(bytes) })),
      { name: 'torn.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(torn.bytes) },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
    ]);
    // A server that has just started times its networks one after the other.
    await expect.poll(() => page.locator('.time', { hasText: /\d/ }).count(), { timeout: PATIENCE_MS }).toBe(3);
    await shot('2-chosen');
    await page.locator('summary').click();
    await page.locator('.panel .tile').scrollIntoViewIfNeeded();
    await shot('2-options');
    await page.locator('summary').click();
    await page.evaluate('scrollTo(0, 0)');
    await page.locator('.primary.big').click();
    await page.locator('.stage.both').waitFor();
    const bar = page.locator('.photo.processing [role=progressbar]').first();
    const grown = async (): Promise<number> => Number(await bar.getAttribute('aria-valuenow'));
    await expect.poll(grown, { timeout: PATIENCE_MS }).toBeGreaterThan(9);
    await shot('3-live');
    await page.locator('.bar.good, .failed h3').first().waitFor();
    await page.locator('.head .button.primary').waitFor();
    await page.locator('.stage.both').waitFor();
    await page.waitForLoadState('networkidle');
    await shot('4-results');
    await page.locator('.stage').press('+');
    await page.locator('.stage').press('+');
    await page.locator('.tools button').nth(1).click();
    await page.locator('.stages.two').waitFor();
    await shot('4-side-by-side');
    await page.locator('.why summary').click();
    await page.locator('.why').scrollIntoViewIfNeeded();
    await shot('4-why');
    await page.locator('.head button.quiet').first().click();
    await page.locator('dialog[open]').waitFor();
    await shot('5-undo');
    await page.keyboard.press('Escape');
    const views = { history: '.history .row', server: '.operate path.line[d*=L]' };
    for (const [place, [view, there]] of Object.entries(views).entries()) {
      await page
        .locator('nav a')
        .nth(place + 1)
        .click();
      await page.locator(there).first().waitFor({ state: 'attached' });
      await page.waitForLoadState('networkidle');
      await shot(`${place + 6}-${view}`);
    }
    await page.context().setOffline(true);
    await page.locator('.banner.bad').waitFor();
    await shot('8-offline');
  }
});
