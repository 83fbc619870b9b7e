/**
 * On a graphics driver the network makes the picture that it makes on the processor; 8 bits are left to processors; where no driver
 * is one that WebGPU takes, a sentence says so and the next provider works. Mesa's software driver (as new as 25) is enough.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
import {
  enhance,
  installedModel,
  largestDifference,
  makeScratch,
  paintPhoto,
  pixelsOf,
  removeScratch,
  startPool,
} from './support.ts';

const full = installedModel('darkroom-fast-x4');
const eight = installedModel('darkroom-fast-x4-int8');

/** The size that a session is tried with: a software driver compiles half a minute for each new one. */
const SIZE = [64, 48] as const;

/** Asked of the runtime itself, so that a fault of ours is not taken for a missing driver; drivers may end a process badly. */
async function findDriver({ graphPath }: InstalledModel): Promise<boolean> {
  const program = `import { InferenceSession } from 'onnxruntime-node';
    await InferenceSession.create(${JSON.stringify(graphPath)}, { executionProviders: ['webgpu'], logSeverityLevel: 4 }).then(
      () => console.log('usable'),
      (error) => console.log(error.message),
    );
    process.kill(process.pid, 'SIGKILL');`;
  const asked = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const said = await asked.then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const usable = said.startsWith('usable');
  if (!usable)
    console.warn(`SKIPPED: WebGPU was not tried, as the runtime finds no driver for it here: ${said.trim()}`);
  return usable;
}

const drivable = full !== undefined && (await findDriver(full));

let root = '';
let photo = '';
const notes: string[] = [];

beforeAll(async () => {
  root = await makeScratch();
  photo = await paintPhoto(join(root, 'photo.png'), ...SIZE);
});
afterAll(() => removeScratch(root));

async function poolOn(providers: readonly string[], models: readonly InstalledModel[]): Promise<EnginePool> {
  const hear = (details: unknown): void => {
    notes.push(JSON.stringify(details));
  };
  const logger = { info: hear, warn: hear, error: hear };
  const pool = startPool(models, { providers, logger, stallTimeoutMs: 240_000 });
  onTestFinished(() => pool.close());
  await pool.ready();
  return pool;
}

describe.skipIf(!drivable)('on a graphics driver', () => {
  it('8 bits stand back, and the picture is the processor’s within two levels', { timeout: 300_000 }, async () => {
    if (full === undefined || eight === undefined) throw new Error('Expected the network in the box');
    const device = await poolOn(['webgpu'], [eight, full]);
    const made = await (await enhance(device, root, { inputPath: photo, model: eight.entry.name })).result;
    expect([made.device, made.model]).toEqual(['webgpu', full.entry.name]);
    // Its recipe says that it was made in half floats, or the log why not.
    expect(made.making.precision ?? notes.join()).toMatch(/^half$|takes no half floats/);
    expect(device.status().substitutes).toMatchObject([{ because: '8 bits are for processors and this is webgpu' }]);

    const processor = await poolOn(['cpu'], [full]);
    const expected = await (await enhance(processor, root, { inputPath: photo, model: full.entry.name })).result;
    const difference = largestDifference(await pixelsOf(made.path), await pixelsOf(expected.path));
    console.log(`WebGPU against the processor: ${difference} levels at most.`);
    expect(difference).toBeLessThanOrEqual(2);
  });
});

it.skipIf(process.platform !== 'linux' || full === undefined)(
  'without a driver, says so and works on the processor',
  async () => {
    if (full === undefined) return;
    vi.stubEnv('VK_DRIVER_FILES', '/nowhere/driver.json');
    onTestFinished(() => void vi.unstubAllEnvs());
    const pool = await poolOn(['webgpu', 'cpu'], [full]);
    expect(pool.status().device).toBe('cpu');
    expect(notes.join()).toContain('webgpu is not usable: no graphics driver here is one that WebGPU takes.');
  },
);
