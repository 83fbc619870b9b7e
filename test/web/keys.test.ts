/**
 * Property: a server with keys asks for one, once, and no script can read it; with a key that may do only some things the page says
 * so and offers nothing that would be refused. The network is a stand-in.
 */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiKey, KeysFile, Scope } from '../../src/contracts/api-keys.ts';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg } from '../api/support/photos.ts';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';
import { answered, form, post } from '../api/support/running-api.ts';
import { axeFindings, builtPage, haveChromium, launchChromium, visit } from './browser.ts';

/** Keys of one tenant, named after what they may do. */
const keyFor = (key: string, scopes: Scope[]): ApiKey => ({
  id: `k-${key}`,
  tenant: 'studio',
  scopes,
  createdAt: 0,
  sha256: createHash('sha256').update(key).digest('hex'),
});
const KEYS: KeysFile = {
  keys: [keyFor('boss', ['admin']), keyFor('reader', ['read']), keyFor('sender', ['submit'])],
};

describe.skipIf(!haveChromium('keys are not tested'))('the page of a server with keys', () => {
  let folder: string;
  let house: RealHouse;
  let browser: Browser;
  let batchId: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-page-keys-'));
    await writeFile(join(folder, 'keys.json'), JSON.stringify(KEYS));
    [house, browser] = await Promise.all([openRealHouse({ KEYS_FILE: join(folder, 'keys.json') }), launchChromium()]);
    house.engine.picture = await jpeg();
    await cp(builtPage, join(house.api.root, 'web'), { recursive: true });
    const headers = { authorization: 'Bearer boss' };
    const sent = await post(`${house.api.url}/api/v1/enhance/batch`, form('files', [await jpeg(), 'a.jpg']), {
      headers,
    });
    batchId = (await answered(sent, batchAcceptedSchema)).batch_task_id;
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const giveKey = async (page: Page, key: string): Promise<void> => {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Open' }).click();
  };
  /** Looks at the batch that is done. */
  const seeBatch = async (page: Page): Promise<void> => {
    await page.goto(`${house.api.url}/#/job/${batchId}`);
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Download', exact: true }).waitFor();
  };

  test('asks for one, once, and no script can read it', async () => {
    const { page } = await visit(browser, house.api.url);
    await giveKey(page, 'guess');
    await page.getByText('This key is not known here.').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByLabel('API key').fill('boss');
    await page.keyboard.press('Enter');
    await page.getByText('Drop photos or folders here').waitFor();
    await page.reload();
    await page.getByText('Drop photos or folders here').waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
    await seeBatch(page);
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(2);
    await page.getByRole('link', { name: 'Server' }).click();
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  });

  test('says to a key that may only look what it may not do', async () => {
    const { page } = await visit(browser, house.api.url);
    await giveKey(page, 'reader');
    await page.getByText('Your key lets you look, not send photos.').waitFor();
    await page.setInputFiles('input.file', [{ name: 'b.jpg', mimeType: 'image/jpeg', buffer: await jpeg() }]);
    expect(await page.getByRole('button', { name: 'Enhance 1 photo' }).isDisabled()).toBe(true);
    expect(await axeFindings(page)).toEqual([]);
    await seeBatch(page);
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.getByRole('link', { name: 'History' }).click();
    await page.getByText('1 of 1 photo enhanced').waitFor();
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.context().close();
  });

  test('turns away a key that may look at nothing', async () => {
    const { page } = await visit(browser, house.api.url);
    await giveKey(page, 'sender');
    await page.getByRole('heading', { name: 'This key does not open the page' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  });
});
