/**
 * The page as a person meets it: how soon it can be used, how large it is, how long from the press of the button to the first
 * enhanced photo, for one photo alone and while ten travel, and how smoothly the results of a large batch scroll. In a browser, over
 * a house of its own, or over a Darkroom that runs already.
 *
 *     npm run bench:page -- [--rounds 3] [--side 320] [--gallery 1000] [--url http://127.0.0.1:8000]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { quantile } from './book.mjs';
import { photosOf, startHouse, submit } from './house.mjs';

const { values: wanted } = parseArgs({
  options: {
    url: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    side: { type: 'string', default: '320' },
    /** Photos in the large batch; 0 leaves it out. */
    gallery: { type: 'string', default: '1000' },
  },
});
const side = Number(wanted.side);
const gallery = Number(wanted.gallery);
const source = readFileSync(new URL('../samples/coffee.jpg', import.meta.url));
const TINY = 16;
const DESK = { locale: 'en-GB', viewport: { width: 1280, height: 860 } };

/** Photos of the same size, none like another. */
const photos = (count, side) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      sharp(source)
        .resize(side, side, { fit: 'cover' })
        .modulate({ hue: (n * 30) % 360, brightness: 0.7 + (n % 97) / 200 })
        .jpeg({ quality: 92 })
        .toBuffer(),
    ),
  );

async function open(browser, address) {
  const page = await (await browser.newContext(DESK)).newPage();
  page.setDefaultTimeout(300_000);
  await page.goto(address);
  return page;
}

/** Milliseconds from navigation to when the page can be used, and bytes as they came over the line. */
async function load(browser, url) {
  const page = await open(browser, url);
  await page.getByRole('button', { name: 'Choose files' }).waitFor();
  const found = await page.evaluate(`(() => {
    const all = [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]
      .filter(({ name }) => !name.includes('/api/') && !name.endsWith('/health'));
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
    const interactive = performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd;
    return { usable: Math.max(paint, interactive), bytes: all.reduce((sum, one) => sum + one.encodedBodySize, 0) };
  })()`);
  await page.context().close();
  return found;
}

/** Seconds from the press of the button until the first result is on the screen. */
async function firstResult(browser, url, count) {
  const page = await open(browser, url);
  const files = (await photos(count, side)).map((buffer, n) => ({
    name: `photo-${n}.jpg`,
    mimeType: 'image/jpeg',
    buffer,
  }));
  await page.setInputFiles('input.file', files);
  await page.getByText(`${count} photo`).first().waitFor();
  await page
    .getByText(`${side} × ${side} ·`)
    .nth(count - 1)
    .waitFor();
  await page.waitForTimeout(1500); // the plan, and whatever else the page does before somebody presses the button
  const pressed = performance.now();
  await page.getByRole('button', { name: /^Enhance/ }).click();
  const after = page.getByAltText(/^After: /).first();
  await after.waitFor();
  await after.evaluate((picture) => picture.decode()); // the page's policy lets nobody wait by a string of script
  const seconds = (performance.now() - pressed) / 1000;
  await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
  await page.context().close();
  return seconds;
}

/** Milliseconds of each frame while the results are scrolled through, a third of a window a frame. */
async function scroll(browser, house, count) {
  const id = await submit(house, await photos(count, TINY), { quality_level: 'fast', scale: 2 });
  await photosOf(house, id);
  const page = await open(browser, `${house.url}/#/job/${id}`);
  await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
  await page.getByText(`${count} done`).waitFor();
  const found = await page.evaluate(`(async () => {
    const frames = [];
    let cards = 0;
    let before = await new Promise(requestAnimationFrame);
    while (scrollY + innerHeight < document.documentElement.scrollHeight - 1) {
      scrollBy(0, innerHeight / 3);
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - before);
      before = now;
      cards = Math.max(cards, document.querySelectorAll('.gallery > li').length);
    }
    return { frames, cards };
  })()`);
  await page.context().close();
  return found;
}

const house = wanted.url ? { url: wanted.url } : await startHouse();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await firstResult(browser, house.url, 1); // warms the engine and the browser
  const [loads, single, among] = [[], [], []];
  for (let round = 0; round < Number(wanted.rounds); round += 1) {
    loads.push(await load(browser, house.url));
    single.push(await firstResult(browser, house.url, 1));
    among.push(await firstResult(browser, house.url, 10));
  }
  const listed = (values) => values.map((one) => one.toFixed(2)).join(', ');
  console.log(`usable after ${loads.map(({ usable }) => Math.round(usable)).join(', ')} ms`);
  console.log(`${(loads[0].bytes / 1000).toFixed(0)} kB over the line as served`);
  console.log(`first result of one photo: ${listed(single)} s; while ten travel: ${listed(among)} s`);
  console.log(`ratio of the middle ones ${(quantile(among, 0.5) / quantile(single, 0.5)).toFixed(2)}`);
  if (gallery > 0) {
    const { frames, cards } = await scroll(browser, house, gallery);
    const [middle, late] = [quantile(frames, 0.5), quantile(frames, 0.99)].map((ms) => ms.toFixed(0));
    const longest = Math.max(...frames).toFixed(0);
    console.log(
      `${gallery} results scrolled in ${frames.length} frames: ${middle} ms in the middle, p99 ${late}, longest ${longest}; at most ${cards} cards exist`,
    );
  }
} finally {
  await browser.close();
  await house.stop?.();
}
