import type { BatchHeader, PhotoRecord } from '../contracts/batch.ts';
import { deliverResult, type DeliveryDependencies } from './deliver-result.ts';
import type { PhotoSettled, PhotoTask } from '../contracts/activities.ts';
import type { EnhancedPhoto, InstalledModel } from '../inference/engine.ts';
import { flushAndChecksum } from '../storage/durable-files.ts';
import { resultKey, siblingResults } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';

export interface Publication {
  readonly task: PhotoTask;
  readonly attempt: number;
  readonly startedAt: number;
  readonly header: BatchHeader;
  readonly record: PhotoRecord;
  readonly enhanced: EnhancedPhoto;
  /** Ends a delivery; what was delivered stays. */
  readonly signal: AbortSignal;
}

interface PublishDependencies extends DeliveryDependencies {
  readonly models: ReadonlyMap<string, InstalledModel>;
  readonly now: () => number;
}

/**
 * Makes a finished photo visible, once: it is delivered where the batch wants it, goes into the store under a name of this
 * attempt alone, then the outcome that points to it is written if there is none. An attempt that comes second removes its own file and changes nothing.
 */
export async function publishResult(deps: PublishDependencies, publication: Publication): Promise<PhotoSettled> {
  const { store, journal } = deps;
  const { task, enhanced, attempt } = publication;
  const key = resultKey(task.batchId, task.index, task.epoch, deps.makeNonce(), enhanced.extension);
  const checksums = await flushAndChecksum(enhanced.path);
  const { path, extension, contentType } = enhanced;
  const result = { path, sha256: checksums.sha256, extension, contentType };
  if (publication.header.destination.kind !== 'store') {
    // Deleted or rolled back while it was enhanced: nothing outside the store may change any more.
    if (await journal.isRemoved(task.batchId, task.index)) return { status: 'removed' };
    const { header, record, signal } = publication;
    await deliverResult(deps, { header, record, result, signal });
  }
  await store.adopt(key, enhanced.path, { flushed: true });
  const won = await journal.record(task.batchId, {
    status: 'completed',
    index: task.index,
    epoch: task.epoch,
    attempts: attempt,
    startedAt: publication.startedAt,
    finishedAt: deps.now(),
    timings: enhanced.timings,
    original: enhanced.original,
    tiles: enhanced.tiles,
    result: {
      key,
      ...checksums,
      contentType: enhanced.contentType,
      extension: enhanced.extension,
      width: enhanced.width,
      height: enhanced.height,
    },
    recipe: makeRecipe(deps, publication),
    warnings: [...enhanced.warnings],
  });
  // Late, or deleted meanwhile: our own file goes. First after a lost attempt: what that one may have left goes.
  const removed = await journal.isRemoved(task.batchId, task.index);
  if (!won || removed) await store.remove(key);
  else if (attempt > 1) await removeLeftOvers(store, task, key);
  return { status: removed ? 'removed' : 'completed' };
}

/** Removes the results of a photo that nothing points to: those of attempts that were killed before or after publishing. */
export async function removeLeftOvers(store: Store, task: PhotoTask, visible?: string): Promise<void> {
  const siblings = siblingResults(task.batchId, task.index);
  for (const name of await store.list(siblings.prefix)) {
    const key = `${siblings.prefix}/${name}`;
    if (siblings.includes(name) && key !== visible) await store.remove(key);
  }
}

function makeRecipe({ models }: PublishDependencies, { header, enhanced }: Publication) {
  const { model } = enhanced;
  const installed = models.get(model);
  return {
    quality: header.options.quality,
    model,
    weights: installed?.weights ?? '',
    tileSize: enhanced.tileSize,
    overlap: installed?.entry.overlap.pixels ?? 0,
    scale: Math.round((1000 * enhanced.width) / enhanced.original.width) / 1000,
    device: enhanced.device,
    ...enhanced.making,
  };
}
