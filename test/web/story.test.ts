/**
 * Property: a person who has never heard of Temporal gets photos enhanced, compared, downloaded and undone with the page alone,
 * by mouse or by keyboard, over a cut connection, a reload, another device and a server that dies, without the page breaking the
 * policy it is served under, and without axe finding anything. Everything is real: browser, uploads, house, network.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { House, possible } from '../e2e/house.ts';
import { crops, truncated } from '../e2e/photos.ts';
import { axeFindings, DESK, haveChromium, launchChromium, SAMPLES, sticksOut, visit, type Visit } from './browser.ts';
import { openLine } from './thin-line.ts';

/** On a machine that does other things as well. */
const SLOW = 60_000;
vi.setConfig({ testTimeout: 2 * SLOW });

interface ChosenFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}
const asFile = ({ name, bytes }: { name: string; bytes: Uint8Array }): ChosenFile => ({
  name,
  mimeType: 'image/jpeg',
  buffer: Buffer.from(bytes),
});

/** Pixels that nothing compresses: three bytes each. */
const noise = (side: number): Promise<Buffer> =>
  sharp({
    create: {
      width: side,
      height: side,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .png()
    .toBuffer();

describe.skipIf(!possible || !haveChromium('the page is not tested'))('the page', () => {
  let house: House;
  let browser: Browser;
  let here: Visit;
  let page: Page;

  beforeAll(async () => {
    [house, browser] = await Promise.all([House.start(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });
  beforeEach(async () => {
    here = await visit(browser, house.url);
    ({ page } = here);
    page.setDefaultTimeout(SLOW);
  });
  afterEach(async () => {
    await page.context().close();
    expect(here.complaints).toEqual([]);
  });

  const choose = (files: ChosenFile[] | string[], on = page) => on.setInputFiles('input.file', files);
  const small = async (count: number) => (await crops(count, 96, 72)).map(asFile);
  /** Photos that take long enough for something to happen meanwhile. */
  const lasting = async (count: number) => (await crops(count, 720, 540)).map(asFile);
  const start = (on = page) => on.getByRole('button', { name: /^Enhance/ }).click();
  const state = (name: string, on = page) => on.getByRole('heading', { name, exact: true }).waitFor();
  const cleanly = async (what: string, on = page): Promise<void> => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // else colours would still be on their way
      expect(await axeFindings(on), `${what}, ${colorScheme}`).toEqual([]);
    }
  };

  test('the whole story: choose, plan, watch, compare, download, see why, undo', async () => {
    await cleanly('nothing chosen');
    const [torn] = await crops(1, 96, 72);
    if (!torn) throw new Error('Expected a photo');
    await choose(SAMPLES);
    await choose([
      asFile(truncated({ ...torn, name: 'torn.jpg' })),
      { name: 'notes.txt', mimeType: '', buffer: Buffer.from('x') },
    ]);
    await page.getByRole('alert').getByText('notes.txt: not a format that Darkroom reads').waitFor();
    await page.getByText('240 × 300').first().waitFor();
    await page.getByRole('button', { name: 'Remove coffee.jpg' }).click();
    await page.getByText('This machine has no GPU, so Fast is chosen for you.').waitFor();
    await page
      .getByText(/^about .+ a photo here$/)
      .first()
      .waitFor();
    await page.getByText(/^\d photos, about .+ · results about/).waitFor();
    await page.getByText('More options').click();
    await page.getByLabel('Format').selectOption({ label: 'WebP' });
    await cleanly('options');
    await start();

    await page.getByRole('group', { name: /^Picture/ }).waitFor();
    await state('Done, with failures');
    // Which of the photos came first is chance, and it is the one that is shown.
    await page.getByRole('button', { name: 'Look at astronaut.jpg' }).click();
    await page.getByText('240 × 300 → 960 × 1200').waitFor();
    await page.getByText('The file is damaged. Find another copy.').first().waitFor();
    await cleanly('results');

    const slider = page.getByRole('slider', { name: 'Boundary between before and after' });
    await slider.press('ArrowRight');
    expect(await slider.inputValue()).toBe('51');
    const pictures = page.locator('.stage img');
    const resultAddress = (): Promise<string | null> => pictures.first().getAttribute('src');
    expect(await resultAddress()).toMatch(/^\/api\/v1\/thumbnails\/.+side=1600$/);
    await page.getByRole('button', { name: /^Full size/ }).click();
    await expect.poll(resultAddress).toMatch(/^\/api\/v1\/download\//);

    // However it is zoomed and moved, both pictures lie on one another.
    await page.getByRole('group', { name: /^Picture/ }).press('+');
    await page.getByRole('group', { name: /^Picture/ }).press('ArrowLeft');
    const places = await pictures.evaluateAll((found) =>
      found.map((one) => one.getBoundingClientRect().toJSON() as object),
    );
    expect(places[0]).toEqual(places[1]);
    await page.getByRole('button', { name: 'Side by side' }).click();
    await cleanly('side by side');

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download', exact: true }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('astronaut_enhanced.webp');
    expect((await sharp(await file.path()).metadata()).width).toBe(960);
    const [zip] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download all (ZIP)' }).click(),
    ]);
    expect((await readFile(await zip.path())).subarray(0, 2).toString()).toBe('PK');

    await page.getByText('How it went').click();
    await page.getByText('One attempt was enough.').waitFor();
    expect(await page.getByRole('link', { name: 'See every step in Temporal' }).getAttribute('href')).toMatch(
      /\/workflows\/b-/,
    );

    await page.getByRole('button', { name: 'Choose photos' }).click();
    await page.getByRole('button', { name: 'Choose chelsea.png' }).click();
    await page.getByRole('button', { name: 'Undo 1 chosen' }).click();
    await page.getByRole('dialog').getByText('1 photo will lose its result on this server.').waitFor();
    await cleanly('the question');
    await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('1 undone').waitFor();
    await page.getByRole('link', { name: 'See the batch' }).click();
    await page.getByText('removed').waitFor();

    await page.getByRole('link', { name: 'History' }).click();
    await cleanly('the history');
    const undo = page.getByRole('button', { name: 'Undo' }).first();
    await undo.click();
    await page.getByRole('button', { name: 'Keep them' }).click();
    expect(await page.evaluate('document.activeElement.textContent.trim()'), 'the focus comes back').toBe('Undo');
    await undo.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();
    await state('Done');
    await cleanly('the undo');
  });

  test('the first result shows while others still travel; a cut line costs no byte that had arrived', async () => {
    const line = await openLine(house.url);
    const thin = await visit(browser, line.address);
    const on = thin.page;
    on.setDefaultTimeout(SLOW);
    const buffer = await noise(300);
    const begun: string[] = [];
    on.on('request', (request) => {
      if (request.method() === 'PATCH') begun.push(request.headers()['upload-offset'] ?? '');
    });
    line.stallAfter(100_000);
    await choose([...(await small(1)), { name: 'large.png', mimeType: 'image/png', buffer }], on);
    await on.getByText('300 × 300').waitFor();
    await start(on);
    await on.getByText('96 × 72 → 384 × 288').waitFor();
    await on.getByText(/^Sending: 1 of 2/).waitFor();
    line.cut();
    await on.getByText('The server does not answer.').waitFor();
    line.mend();
    await state('Done', on);
    expect(Math.max(...begun.map(Number))).toBeGreaterThan(0);
    expect(thin.complaints).toEqual([]);
    await on.context().close();
    await line.close();
  });

  test(
    'a photo that takes a while has a bar of its own, which grows by tiles',
    async () => {
      await choose((await crops(2, 2200, 1700)).map(asFile));
      await page.evaluate(`{
      window.grown = {};
      const look = () => document.querySelectorAll('.photo.processing [role=progressbar]').forEach((bar) => {
        const seen = (window.grown[bar.getAttribute('aria-label')] ??= []);
        const now = Number(bar.getAttribute('aria-valuenow'));
        if (seen.at(-1) !== now) seen.push(now);
      });
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    }`);
      page.setDefaultTimeout(2 * SLOW);
      await start();
      await state('Done');
      const grown = await page.evaluate<Record<string, number[]>>('window.grown');
      expect(Object.keys(grown).toSorted()).toEqual(['Progress of photo-00.jpg', 'Progress of photo-01.jpg']);
      for (const [what, values] of Object.entries(grown)) {
        expect(
          values.toSorted((a, b) => a - b),
          what,
        ).toEqual(values);
        expect(
          values.filter((value) => value > 0 && value < 100).length,
          `${what}: ${values.join(', ')}`,
        ).toBeGreaterThan(1);
      }
    },
    3 * SLOW,
  );

  test('a reload and another device find the batch; pictures of the originals come from the server', async () => {
    await choose(await small(6));
    await start();
    await page
      .getByText('1 done')
      .or(page.getByText(/^[2-6] done/))
      .waitFor();
    await page.reload();
    await state('Done');
    const other = await visit(browser, house.url, { ...DESK, colorScheme: 'dark' });
    await other.page
      .getByRole('link', { name: /6 of 6 photos enhanced/ })
      .first()
      .click();
    await state('Done', other.page);
    const before = other.page.getByAltText(/^Before: /);
    await before.waitFor();
    await expect.poll(() => before.evaluate((picture: { naturalWidth: number }) => picture.naturalWidth)).toBe(96);
    await cleanly('in the dark', other.page);
    await other.page.context().close();
  });

  test('a page that was closed while it sent says what is missing, and takes the rest', async () => {
    const [first, second] = await small(2);
    if (!first || !second) throw new Error('Expected two photos');
    await page.route('**/api/v1/uploads', async (route) => {
      const name = Buffer.from(
        /filename (\S+)/.exec(route.request().headers()['upload-metadata'] ?? '')?.[1] ?? '',
        'base64',
      );
      await (name.toString() === second.name ? route.abort() : route.continue());
    });
    await choose([first, second]);
    await start();
    await page.getByText(/^Sending: 1 of 2/).waitFor();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.unroute('**/api/v1/uploads');
    await page.reload();
    await page.getByText('1 of 2 had arrived when the page was closed.').waitFor();
    await cleanly('waiting for the rest');
    await page.setInputFiles('input.rest', [second]);
    await state('Done');
    await page.getByText('2 done').waitFor();
  });

  test('a server that dies is named, and everything goes on when it is back', async () => {
    await choose(await lasting(8));
    await start();
    await page.getByText(/^[1-7] done/).waitFor();
    // Started again within a second it would hardly be missed: it dies until the page has noticed.
    const noticed = page.getByText('The server does not answer.').waitFor();
    let isAway = true;
    const dying = (async () => {
      while (isAway) {
        await house.signal('api', 'SIGKILL');
        await sleep(200);
      }
    })();
    await noticed.finally(() => (isAway = false));
    await dying;
    await state('Done');
    await expect.poll(() => page.getByText('The server does not answer.').count(), { timeout: SLOW }).toBe(0);
    await page.getByText('8 done').waitFor();
  });

  test('a batch is paused, resumed, cancelled and taken up again', async () => {
    // Many more than are under way at a time: those finish, and a pause that comes late must still find some that wait.
    await choose(await lasting(16));
    await start();
    await page.getByText(/^[1-9]\d* done/).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await state('Paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click();
    await state('Cancelled');
    await page.getByRole('button', { name: 'Resume' }).click();
    await state('Done');
    await page.getByText('16 done').waitFor();
  });

  test('the keyboard alone is enough, from the first tab to the download', async () => {
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate(
          'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
        );
        if (name.test(String(focused).trim())) return;
      }
      throw new Error(`Expected Tab to reach ${name} within 60 presses`);
    };
    // Asked for this early: a chooser that opens before the browser has been told to hand it over is never seen.
    const chooser = page.waitForEvent('filechooser');
    await tabTo(/^Skip to the content$/);
    await page.keyboard.press('Enter');
    await tabTo(/^Choose files$/);
    await page.keyboard.press('Enter');
    const picker = await chooser;
    await picker.setFiles(await small(1));
    await page.getByText('96 × 72').first().waitFor();
    await tabTo(/^Enhance 1 photo$/);
    await page.keyboard.press('Enter');
    await state('Done');
    await tabTo(/^Picture/);
    await tabTo(/^Boundary between/);
    await tabTo(/^Download$/);
  });

  test('the server page shows what it measures, and which networks are loaded', async () => {
    await page.getByRole('link', { name: 'Server' }).click();
    await page.getByText('loaded').first().waitFor();
    await expect.poll(() => page.locator('path.line').first().getAttribute('d'), { timeout: SLOW }).toMatch(/L/);
    await page.getByRole('img', { name: /^Memory: now \d+ %/ }).waitFor();
    await cleanly('the server');
  });

  test('folders can be dropped and pictures pasted; who is offline is told', async () => {
    const photo = (await readFile(SAMPLES[2] ?? '')).toString('base64');
    await page.evaluate(`{
      const bytes = Uint8Array.from(atob('${photo}'), (letter) => letter.charCodeAt(0));
      const file = (name) => ({ isFile: true, name, file: (take) => take(new File([bytes], name)) });
      const folder = (name, entries) => ({ isDirectory: true, name, createReader: () => {
        const left = [entries];
        return { readEntries: (take) => take(left.shift() ?? []) };
      } });
      const tree = folder('holiday', [file('one.jpg'), file('.hidden.jpg'), folder('more', [file('two.jpg')]), file('film.mp4')]);
      // A browser makes such entries only of a true drop.
      DataTransferItem.prototype.webkitGetAsEntry = () => tree;
      const dropped = new DataTransfer();
      dropped.items.add(new File(['x'], 'holiday'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }`);
    await page.getByRole('heading', { name: '2 photos' }).waitFor();
    await page.getByRole('alert').getByText('film.mp4: not a format that Darkroom reads').waitFor();
    await page.evaluate(`{
      const bytes = Uint8Array.from(atob('${photo}'), (letter) => letter.charCodeAt(0));
      const pasted = new DataTransfer();
      pasted.items.add(new File([bytes], 'image.png'));
      window.dispatchEvent(new ClipboardEvent('paste', { clipboardData: pasted }));
    }`);
    await page.getByRole('heading', { name: '3 photos' }).waitFor();
    await page.context().setOffline(true);
    await page.getByText('You are offline.').waitFor();
  });

  test('everything is there in Chinese, and on a phone nothing sticks out', async () => {
    const phone = { locale: 'zh-CN', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    const other = await visit(browser, house.url, phone);
    const on = other.page;
    on.setDefaultTimeout(SLOW);
    const check = async (what: string): Promise<void> => {
      expect(await sticksOut(on), what).toBe(false);
      await cleanly(what, on);
      // What the server says itself is English; names of photos, networks and the house are names.
      const latin = await on.evaluate(`[...document.querySelectorAll('main :not([lang]) > *, header *')]
        .filter((one) => one.children.length === 0 && !one.closest('[lang=en], code, strong, option, summary'))
        .map((one) => one.textContent.trim()).filter((text) => /[a-z]{4,} [a-z]{3,}/i.test(text))`);
      expect(latin, what).toEqual([]);
    };
    expect(await on.locator('html').getAttribute('lang')).toBe('zh-CN');
    await on.getByRole('button', { name: '拍一张照片' }).waitFor();
    await choose(await small(3), on);
    await on.getByText(/^3 张照片，大约/).waitFor();
    await check('chosen');
    await on.getByRole('button', { name: '增强 3 张照片' }).click();
    await on.getByRole('heading', { name: '完成', exact: true }).waitFor();
    await on.getByText('96 × 72 → 384 × 288').waitFor();
    await check('done');
    for (const view of ['history', 'server']) {
      await on.goto(`${house.url}/#/${view}`);
      await on.getByRole('heading', { level: 2 }).waitFor();
      await check(view);
    }
    expect(other.complaints).toEqual([]);
    await on.context().close();
  });
});
