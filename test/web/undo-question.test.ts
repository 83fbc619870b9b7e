/** Property: the question before an undo names every place that something is taken from, or comes back to. The network is a stand-in. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchAnswer } from '../../src/contracts/http-batches.ts';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg } from '../api/support/photos.ts';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { answered, form, post } from '../api/support/running-api.ts';
import { builtPage, haveChromium, launchChromium, visit } from './browser.ts';

type Destination = BatchAnswer['destination'];

describe.skipIf(!haveChromium('the question before an undo is not tested'))('the question before an undo', () => {
  let house: RealHouse;
  let browser: Browser;
  let page: Page;
  let destination: Destination = { kind: 'store', path: null };
  beforeAll(async () => {
    [house, browser] = await Promise.all([openRealHouse(), launchChromium()]);
    house.engine.picture = await jpeg();
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
    const sent = await post(`${house.api.url}/api/v1/enhance/batch`, form('files', [await jpeg(), 'a.jpg']));
    const { batch_task_id: id } = await answered(sent, batchAcceptedSchema);
    ({ page } = await visit(browser, 'about:blank'));
    page.setDefaultTimeout(60_000);
    await page.route(`**/api/v1/batches/${id}`, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), destination } });
    });
    await page.goto(`${house.api.url}/#/history`);
    await page.getByText('1 of 1 photo enhanced').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  test.each<[Destination['kind'], string | null, RegExp]>([
    ['store', null, /1 photo will lose its result on this server\. The originals .* stay with you, untouched\./],
    ['folder', '/photos/better', /removed from this server and from \/photos\/better\..* changed since stays/],
    ['s3', 's3://results/2026', /removed from this server and from s3:\/\/results\/2026\..* changed since stays/],
    ['in_place', null, /The originals of 1 photo will come back, byte for byte/],
  ])('of results in %s', async (kind, path, words) => {
    destination = { kind, path };
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('dialog').getByText(words).waitFor();
    await page.getByRole('button', { name: 'Keep them' }).click();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });
});
