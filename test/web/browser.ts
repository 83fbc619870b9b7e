import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { build } from 'vite';

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

export const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const SAMPLES = ['astronaut.jpg', 'chelsea.png', 'coffee.jpg'].map((name) => inRepository(`samples/${name}`));

/** Says aloud when there is no browser to test with. */
export function haveChromium(what: string): boolean {
  const there = existsSync(CHROMIUM);
  if (!there)
    console.warn(`SKIPPED: ${what}, because there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH names another).`);
  return there;
}

export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });

/** Builds the page as it is now into `folder`. @returns the directory to serve. */
export async function buildPage(folder: string): Promise<string> {
  const outDir = join(folder, 'web');
  await build({ configFile: inRepository('web/vite.config.ts'), logLevel: 'error', build: { outDir } });
  return outDir;
}
