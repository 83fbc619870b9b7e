import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewBatch } from '../../src/batches/batch-service.ts';
import type { BatchHeader, PhotoOutcome, PhotoRecord } from '../../src/contracts/batch.ts';
import { optionsFrom } from '../../src/contracts/option-fields.ts';
import { makeBatchId } from '../../src/contracts/ids.ts';
import { FileStore } from '../../src/storage/file-store.ts';
import { Journal } from '../../src/storage/journal.ts';

/** A real file store in a temporary directory, and a journal over it. */
export async function openHouse(): Promise<{
  root: string;
  store: FileStore;
  journal: Journal;
  close(): Promise<void>;
}> {
  const root = await mkdtemp(join(tmpdir(), 'darkroom-test-'));
  const store = await FileStore.open(join(root, 'store'), randomUUID);
  return { root, store, journal: new Journal(store), close: () => rm(root, { recursive: true, force: true }) };
}

export const newBatchId = (): string => makeBatchId(new Date(), randomBytes(10));

export const makeRecord = (index: number, change: Partial<PhotoRecord> = {}): PhotoRecord => ({
  index,
  name: `photo-${index}.jpg`,
  bytes: 1000,
  original: { kind: 'upload', key: `uploads/${index}` },
  kilopixels: 100,
  ...change,
});

export const makeHeader = (batchId: string, total: number, change: Partial<BatchHeader> = {}): BatchHeader => ({
  batchId,
  kind: 'batch',
  tenant: 'default',
  createdAt: 1_700_000_000_000,
  total,
  kilopixels: total * 100,
  options: optionsFrom({}, { quality: 'fast', tileSize: 400 }),
  destination: { kind: 'store' },
  open: false,
  maxWorkers: 4,
  priority: 3,
  rollbackEnabled: true,
  checkpointEnabled: true,
  ...change,
});

/** What the service is given for a batch of these photos. */
export const makeOrder = (photos: PhotoRecord[], change: Partial<NewBatch> = {}): NewBatch => ({
  batchId: newBatchId(),
  kind: 'batch',
  tenant: 'default',
  options: optionsFrom({}, { quality: 'fast', tileSize: 400 }),
  maxWorkers: 4,
  checkpointEnabled: true,
  rollbackEnabled: true,
  photos,
  ...change,
});

export const completedOutcome = (index: number, epoch = 0, key = `results/${index}`): PhotoOutcome => ({
  status: 'completed',
  index,
  epoch,
  attempts: 1,
  startedAt: 1,
  finishedAt: 2,
  timings: { decodeMs: 1, networkMs: 1, encodeMs: 1, totalMs: 3 },
  original: { width: 10, height: 10, format: 'jpeg' },
  tiles: 1,
  result: {
    key,
    bytes: 10,
    sha256: 'ab',
    crc32: 1,
    contentType: 'image/jpeg',
    extension: '.jpg',
    width: 40,
    height: 40,
  },
  recipe: {
    quality: 'fast',
    model: 'realesr-general-x4v3',
    weights: 'ab',
    tileSize: 400,
    overlap: 34,
    scale: 4,
    device: 'cpu',
  },
  warnings: [],
});

export const failedOutcome = (index: number, epoch = 0): PhotoOutcome => ({
  status: 'failed',
  index,
  epoch,
  attempts: 1,
  finishedAt: 2,
  error: { code: 'image_unreadable', message: 'The photo is damaged.', hint: 'Find another copy.' },
});
