/**
 * Property: on a phone the comparison is worked with fingers. Two of them zoom where they are and both pictures stay on one
 * another, one moves the line or what is zoomed, and one that swipes up scrolls the page and leaves the line where it was.
 * The full size is loaded when it is asked for, and shows under the policy that the page is served with. The network is a stand-in.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { builtPage, haveChromium, launchChromium, visit, type Visit } from './browser.ts';

const PHONE = { locale: 'en-GB', viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };
/** Width and height of the stand-in's result: larger than the server's largest small picture for the stage. */
const RESULT = { width: 2400, height: 1600 };

const picture = (width: number, height: number, background: string): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer();

type Place = readonly [x: number, y: number];

/** Fingers as the browser gets them from a screen. */
function handOn(session: CDPSession) {
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', places: readonly Place[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) });
  return {
    async drag(from: Place, to: Place): Promise<void> {
      await touch('touchStart', [from]);
      for (let step = 1; step <= 8; step += 1) await touch('touchMove', [between(from, to, step / 8)]);
      await touch('touchEnd', []);
    },
    /** The fingers come one after the other, as fingers do. */
    async pinch(middle: Place, from: number, to: number): Promise<void> {
      const apart = (pixels: number): Place[] => [
        [middle[0], middle[1] - pixels / 2],
        [middle[0], middle[1] + pixels / 2],
      ];
      await touch('touchStart', apart(from).slice(0, 1));
      await touch('touchStart', apart(from));
      for (let step = 1; step <= 8; step += 1) await touch('touchMove', apart(from + ((to - from) * step) / 8));
      await touch('touchEnd', []);
    },
  };
}

const between = ([x, y]: Place, [toX, toY]: Place, share: number): Place => [
  x + (toX - x) * share,
  y + (toY - y) * share,
];

describe.skipIf(!haveChromium('fingers are not tested'))('a comparison under fingers', () => {
  let house: RealHouse;
  let browser: Browser;
  let here: Visit;
  let page: Page;
  let hand: ReturnType<typeof handOn>;
  beforeAll(async () => {
    [house, browser] = await Promise.all([openRealHouse(), launchChromium()]);
    house.engine.picture = await picture(RESULT.width, RESULT.height, '#937');
    house.engine.size = RESULT;
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
    here = await visit(browser, house.api.url, PHONE);
    ({ page } = here);
    page.setDefaultTimeout(60_000);
    hand = handOn(await page.context().newCDPSession(page));
    const buffer = await picture(60, 40, '#379');
    await page.setInputFiles('input.file', [{ name: 'one.jpg', mimeType: 'image/jpeg', buffer }]);
    await page.getByRole('button', { name: 'Enhance 1 photo' }).click();
    await page.getByAltText('After: one.jpg').waitFor();
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  /** The stage on the screen, where both pictures lie, and where the line is, as a share of the stage. */
  const look = async () => {
    const boxOf = async (what: string) =>
      await page
        .locator(what)
        .first()
        .evaluate((one) => one.getBoundingClientRect().toJSON() as { x: number; y: number; width: number });
    const [stage, after, before, line] = await Promise.all(
      ['.stage', '.stage > img', '.stage .layer img', '.stage .line'].map(boxOf),
    );
    if (!stage || !after || !before || !line) throw new Error('Expected a stage with two pictures');
    return { stage, after, before, line: (line.x + 1 - stage.x) / stage.width, zoom: after.width / stage.width };
  };
  const placeOn = (stage: { x: number; y: number; width: number }, x: number): Place => [
    stage.x + stage.width * x,
    stage.y + stage.width / 3,
  ];

  test('one finger drags the line', async () => {
    const { stage } = await look();
    await hand.drag(placeOn(stage, 0.5), placeOn(stage, 0.7));
    await expect.poll(async () => (await look()).line).toBeCloseTo(0.7, 1);
  });

  test('two fingers zoom, what is zoomed moves with one, and both pictures stay on one another', async () => {
    const { stage, line } = await look();
    await hand.pinch(placeOn(stage, 0.3), 40, 100);
    const zoomed = await look();
    expect(zoomed.zoom).toBeCloseTo(2.5, 1);
    expect(zoomed.line, 'the fingers were not meant for the line').toBeCloseTo(line, 2);
    expect(zoomed.before).toEqual(zoomed.after);
    expect(await page.evaluate('visualViewport.scale'), 'the page itself is not zoomed').toBe(1);

    await hand.drag(placeOn(stage, 0.2), placeOn(stage, 0.4));
    const moved = await look();
    expect(moved.after.x - zoomed.after.x).toBeCloseTo(stage.width * 0.2, -1);
    expect(moved.before).toEqual(moved.after);

    await hand.drag(placeOn(stage, line), placeOn(stage, 0.5));
    const dragged = await look();
    expect(dragged.line, 'near the line a finger takes the line').toBeCloseTo(0.5, 1);
    expect(dragged.after).toEqual(moved.after);

    await page.getByRole('button', { name: 'Fit' }).click();
    expect((await look()).zoom).toBe(1);
  });

  test('the full size comes when it is asked for, and breaks no rule of the page', async () => {
    const widths = (): Promise<number[]> =>
      page
        .locator('.stage img')
        .evaluateAll((all) => all.map((one) => (one as unknown as { naturalWidth: number }).naturalWidth));
    expect(Math.max(...(await widths()))).toBeLessThanOrEqual(1600);
    await page.getByRole('button', { name: /^Full size \(3.8 MP/ }).click();
    await expect.poll(widths).toContain(RESULT.width);
    const { before, after } = await look();
    expect(before).toEqual(after);
    expect(here.complaints).toEqual([]);
  });

  test('a swipe up scrolls the page and leaves the line', async () => {
    await page.evaluate('scrollTo(0, 0)');
    const { stage, line } = await look();
    const [x, y] = placeOn(stage, 0.2);
    await hand.drag([x, y], [x, y - 120]);
    await expect.poll(() => page.evaluate('scrollY')).toBeGreaterThan(50);
    expect((await look()).line).toBeCloseTo(line, 2);
  });
});
