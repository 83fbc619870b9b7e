// Each real network, converted, gives what the published architecture gives in PyTorch: at most one level, almost nowhere.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DarkroomError } from '../../src/contracts/errors.ts';
import type { ModelEntry } from '../../src/contracts/models.ts';
import { readCatalogue } from '../../src/models/catalogue.ts';
import { installModel } from '../../src/models/install-model.ts';
import { verifyModel } from '../../src/models/verify-model.ts';

const catalogue = await readCatalogue();

/** The mirror of this machine, and what an ordinary pull has kept, so that a test run rarely needs the network. */
const { MODEL_MIRROR, CACHE_DIR, XDG_CACHE_HOME } = process.env;
const kept = join(CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom'), 'downloads');

function mirrorWith({ files, sources }: ModelEntry): string | undefined {
  const wheels = sources.flatMap((source) => (source.kind === 'pypi' ? source.wheel.name : []));
  return [MODEL_MIRROR ?? '', kept].find((folder) =>
    [files.bin.name, ...wheels].some((name) => existsSync(join(folder, name))),
  );
}

const UNAVAILABLE = new Set(['download_failed', 'python_missing']);

describe('the converted network', () => {
  let cacheDir: string;
  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'darkroom-reference-'));
  });
  afterAll(async () => {
    await rm(cacheDir, { recursive: true });
  });

  it.for(catalogue)('$name reproduces its reference', { timeout: 120_000 }, async (entry, { skip }) => {
    const signal = AbortSignal.timeout(100_000);
    try {
      await installModel(entry, { cacheDir, mirrorDir: mirrorWith(entry), environment: process.env, signal });
    } catch (error) {
      if (!(error instanceof DarkroomError && UNAVAILABLE.has(error.code))) throw error;
      console.warn(`SKIPPED: ${entry.name} was not checked, because its weights cannot be had: ${error.message}`);
      skip(error.message);
    }
    const found = await verifyModel(entry, cacheDir);
    expect(found).toMatchObject({ ok: true });
    // Codes of 8 bits fall to the other side where floats differ in their last digit.
    if (entry.int8 === undefined) expect(found.check?.pixelsOff).toBeLessThan(0.001);
  });
});
