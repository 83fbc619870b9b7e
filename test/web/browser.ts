import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Debian's Chromium, or the one that CHROMIUM_PATH names; no browser is ever downloaded. */
const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Without these a Chromium in a container looks for services of the internet, and for a GPU, at every start. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The page as it was built. */
export const builtPage = inRepository('dist/web');
export const SAMPLES = ['astronaut.jpg', 'chelsea.png', 'coffee.jpg'].map((name) => inRepository(`samples/${name}`));

/** Says aloud when there is no browser to test with. */
export function haveChromium(what: string): boolean {
  const there = existsSync(CHROMIUM);
  if (!there)
    console.warn(`SKIPPED: ${what}, because there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH names another).`);
  return there;
}

export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });

/** One person with a browser of their own. */
export interface Visit {
  readonly page: Page;
  /** Errors of scripts and violations of the security policy; a server that is away is none. */
  readonly complaints: string[];
}

export const DESK: BrowserContextOptions = { locale: 'en-GB', viewport: { width: 1200, height: 900 } };

export async function visit(browser: Browser, address: string, options: BrowserContextOptions = DESK): Promise<Visit> {
  const page = await (await browser.newContext(options)).newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error' && !/Failed to load resource|net::ERR/.test(line.text())) complaints.push(line.text());
  });
  await page.goto(address);
  return { page, complaints };
}

/** Its main file is the script for browsers. */
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/** What axe finds against WCAG 2.2 A and AA, and its own best practices: one line each. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`);
}

/** Whether anything makes the page scroll sideways. */
export const sticksOut = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > innerWidth');
