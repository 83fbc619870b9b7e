/**
 * The page of a running Darkroom as a person meets it: how soon it can be used, how large it is, and how long from the press of
 * the button to the first enhanced photo, for one photo alone and while ten travel.
 *
 *     npm start &   then   node bench/page.mjs [--url http://127.0.0.1:8000] [--rounds 3] [--side 320]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const { values: wanted } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    rounds: { type: 'string', default: '3' },
    side: { type: 'string', default: '320' },
  },
});
const rounds = Array.from({ length: Number(wanted.rounds) });
const side = Number(wanted.side);
const source = readFileSync(new URL('../samples/coffee.jpg', import.meta.url));
const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });

/** Photos of the same size, none like another. */
const photos = (count) =>
  Promise.all(
    Array.from({ length: count }, async (_, n) => ({
      name: `photo-${n}.jpg`,
      mimeType: 'image/jpeg',
      buffer: await sharp(source)
        .resize(side, side, { fit: 'cover' })
        .modulate({ hue: n * 30 })
        .jpeg({ quality: 92 })
        .toBuffer(),
    })),
  );

async function open() {
  const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
  page.setDefaultTimeout(300_000);
  await page.goto(wanted.url);
  await page.getByRole('button', { name: 'Choose files' }).waitFor();
  return page;
}

/** Milliseconds from navigation to when the page can be used, and bytes as they came over the line. */
async function load() {
  const page = await open();
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
async function firstResult(count) {
  const page = await open();
  await page.setInputFiles('input.file', await photos(count));
  await page.getByText(`${count} photo`).first().waitFor();
  await page.waitForTimeout(1500);
  const button = page.getByRole('button', { name: /^Enhance/ });
  const pressed = performance.now();
  await button.click();
  const result = page.getByAltText(/^After: /).first();
  await result.waitFor();
  await page.waitForFunction('document.querySelector(\'img[alt^="After: "]\').naturalWidth > 0');
  const seconds = (performance.now() - pressed) / 1000;
  await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
  await page.context().close();
  return seconds;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const loads = [];
const single = [];
const among = [];
for (const _ of rounds) {
  loads.push(await load());
  single.push(await firstResult(1));
  among.push(await firstResult(10));
}
await browser.close();
console.log(`usable after ${Math.round(median(loads.map(({ usable }) => usable)))} ms, median of ${rounds.length}`);
console.log(`${(loads[0].bytes / 1000).toFixed(0)} kB over the line as served`);
console.log(
  `first result of one photo: ${median(single).toFixed(2)} s (${single.map((one) => one.toFixed(2)).join(', ')})`,
);
console.log(
  `first result while ten travel: ${median(among).toFixed(2)} s (${among.map((one) => one.toFixed(2)).join(', ')})`,
);
console.log(`ratio ${(median(among) / median(single)).toFixed(2)}`);
