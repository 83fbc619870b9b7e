import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnginePool, EnhanceJob, EnhancedPhoto } from '../../src/inference/engine.ts';

/** What an engine leaves behind for a photo, without a network having run. */
export async function finishPhoto(job: EnhanceJob, content: string | Buffer = 'enhanced'): Promise<EnhancedPhoto> {
  const path = join(job.scratchDir, `result-${randomUUID()}.jpg`);
  await writeFile(path, content);
  return {
    path,
    contentType: 'image/jpeg',
    extension: '.jpg',
    width: 40,
    height: 40,
    original: { width: 10, height: 10, format: 'jpeg' },
    timings: { decodeMs: 1, networkMs: 2, encodeMs: 3, totalMs: 6 },
    tiles: 1,
    tilesReused: 0,
    tileSize: 400,
    model: 'realesr-general-x4v3',
    device: 'cpu',
    making: {
      steps: [{ kind: 'network', from: { width: 10, height: 10 }, to: { width: 40, height: 40 }, tiles: 1 }],
      summary: 'One pass of the network.',
      depth: 8,
      denoise: null,
      measures: { seam: null },
    },
    warnings: [],
  };
}

/** A pool in name only: tests of what happens around the engine say what it does. */
export const standInEngines = (
  enhance: (job: EnhanceJob, signal: AbortSignal) => Promise<EnhancedPhoto>,
): EnginePool => ({
  ready: () => Promise.resolve(),
  enhance: (job, { signal }) => enhance(job, signal),
  status: () => ({
    state: 'ready',
    device: 'cpu',
    lanes: 1,
    slots: 2,
    resident: [],
    memoryBytes: null,
    networkMsTotal: 0,
    pids: [],
    restarts: 0,
    networks: [],
    substitutes: [],
  }),
  close: () => Promise.resolve(),
});
