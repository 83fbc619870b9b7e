/**
 * Pictures of every state of the page, for people to look at. Made only when SCREENSHOTS_DIR says where to:
 * `SCREENSHOTS_DIR=/tmp/shots npx vitest run test/web/screenshots.test.ts`
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { buildPage, haveChromium, launchChromium, SAMPLES } from './browser.ts';
import { startStandIn, type StandIn } from './stand-in-server.ts';

const target = process.env['SCREENSHOTS_DIR'];
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 }, locale: 'en-GB' };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, locale: 'en-GB', deviceScaleFactor: 2 };

describe.skipIf(target === undefined || !haveChromium('screenshots'))('screenshots', () => {
  let folder: string;
  let browser: Browser;
  let server: StandIn;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-shots-'));
    server = await startStandIn({ photoMs: 1500, webRoot: await buildPage(folder) });
    browser = await launchChromium();
    await mkdir(target ?? folder, { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each<[string, BrowserContextOptions]>([
    ['desk', { ...DESK, colorScheme: 'light' }],
    ['desk-dark', { ...DESK, colorScheme: 'dark' }],
    ['phone', { ...PHONE, colorScheme: 'light' }],
    ['phone-dark-zh', { ...PHONE, colorScheme: 'dark', locale: 'zh-CN' }],
  ])('%s', async (name, options) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await walk(page, (state) =>
      page.screenshot({ path: join(target ?? folder, `${name}-${state}.png`), fullPage: true }),
    );
    await context.close();
  });

  async function walk(page: Page, shoot: (state: string) => Promise<unknown>): Promise<void> {
    await page.goto(server.address);
    await page.locator('.state.good').waitFor();
    await shoot('1-empty');
    const broken = { name: 'broken-scan.jpg', mimeType: 'image/jpeg', buffer: await readFile(SAMPLES[0] ?? '') };
    await page.setInputFiles('input[type=file]', SAMPLES);
    await page.setInputFiles('input[type=file]', [
      broken,
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
    ]);
    await page.locator('.card img').nth(3).waitFor();
    await shoot('2-chosen');
    await page.locator('.primary.big').click();
    await page.locator('.card.processing').waitFor();
    await page.locator('.compare .line').waitFor();
    await shoot('3-progress');
    await page.locator('.failed').first().waitFor();
    await page.locator('.head .button.primary').waitFor();
    await shoot('4-results');
    await page.locator('.back').click();
    await page.locator('.thumbs img').first().waitFor();
    await shoot('5-recent');
    server.goAway();
    await page.locator('.banner.bad').waitFor({ timeout: 20_000 });
    await shoot('6-gone');
    server.comeBack();
  }
});
