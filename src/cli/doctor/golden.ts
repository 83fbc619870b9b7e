import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { BatchService } from '../../batches/batch-service.ts';
import type { Check, Seen } from '../../checks/finding.ts';
import type { Config } from '../../contracts/config.ts';
import { makeBatchId, photoId } from '../../contracts/ids.ts';
import { optionsFrom } from '../../contracts/option-fields.ts';
import { uploadKey } from '../../storage/keys.ts';
import type { Store } from '../../storage/store.ts';
import { TENANT } from '../desk.ts';

/** What a photo goes through: store, Temporal, a worker, its engine, and the store again. */
export interface Chain {
  readonly service: BatchService;
  readonly store: Store;
  readonly config: Config;
  /** The samples lie in it. */
  readonly packageDir: string;
}

const PHOTO = 'chelsea.png';
const SCALE = 2;
const LOOK_MS = 200;
/** An enlarged photo made small again is its original but for what the network cleaned: a grey or a wrong one is far below. */
const LIKENESS_DB = 24;

export const goldenCheck: Check<Chain> = { name: 'golden', look: sendGolden };

/** Sends a photo of the package through, looks at what comes back, and removes both again. */
async function sendGolden({ service, store, config, packageDir }: Chain): Promise<Seen> {
  const original = await readFile(join(packageDir, 'samples', PHOTO));
  const { width, height } = await sharp(original).metadata();
  const batchId = makeBatchId(new Date(), randomBytes(10));
  const key = uploadKey(batchId, 0);
  const startedAt = performance.now();
  await store.write(key, original);
  try {
    const kilopixels = (width * height) / 1000;
    await service.submit({
      batchId,
      kind: 'single',
      tenant: TENANT,
      options: optionsFrom({ quality_level: 'fast', scale: SCALE }, { quality: 'fast', tileSize: config.TILE_SIZE }),
      destination: { kind: 'store' },
      maxWorkers: 1,
      checkpointEnabled: true,
      rollbackEnabled: config.ENABLE_ROLLBACK,
      photos: [{ index: 0, name: PHOTO, bytes: original.length, original: { kind: 'upload', key }, kilopixels }],
      tags: ['doctor'],
    });
    const photo = await settled(service, photoId(batchId, 0));
    if (photo.outcome?.status !== 'completed') {
      const remedy = photo.error?.hint ?? 'Read the log of the worker.';
      return { state: 'fault', message: `The golden photo failed: ${photo.message}`, remedy, code: 'not_ready' };
    }
    const { result } = photo.outcome;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const likeness = await compare(original, await store.read(result.key), { width, height });
    const size = `${result.width} × ${result.height}`;
    if (result.width !== width * SCALE || result.height !== height * SCALE || likeness < LIKENESS_DB) {
      const message = `The golden photo came back wrong: ${size}, ${likeness.toFixed(1)} dB to its original.`;
      return { state: 'fault', message, remedy: 'Check the models: `darkroom models verify`.', code: 'model_corrupt' };
    }
    return {
      state: 'ok',
      message: `A photo came back in ${seconds} s: ${size}, ${likeness.toFixed(1)} dB to its original.`,
    };
  } finally {
    await service.removePhoto(photoId(batchId, 0)).catch(() => undefined);
    await store.remove(key);
  }
}

async function settled(service: BatchService, id: string) {
  for (;;) {
    const photo = await service.photo(id);
    if (photo?.status === 'completed' || photo?.status === 'failed') return photo;
    await sleep(LOOK_MS);
  }
}

/** Peak signal-to-noise ratio in decibels of the result, made as small as the original; 0 when there is none. */
async function compare(
  original: Buffer,
  result: Buffer | undefined,
  { width, height }: { width: number; height: number },
): Promise<number> {
  if (result === undefined) return 0;
  const pixels = (photo: Buffer) =>
    sharp(photo).resize(width, height).removeAlpha().toColourspace('srgb').raw().toBuffer();
  const [before, after] = await Promise.all([pixels(original), pixels(result)]);
  const squares = before.reduce((sum, value, index) => sum + (value - (after[index] ?? 0)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / Math.max(squares / before.length, 1e-9));
}
