import type { BatchStatus } from '../../src/contracts/http.ts';
import type { TileWatch } from './tile-watch.ts';
import { leftOvers, outcomesOf, photoOf, resultFilesOf, type OutcomeFile } from '../e2e/store-facts.ts';

/** What a round did to a batch, counted in the store itself. */
export interface Findings {
  readonly photos: number;
  /** Photos without a result. */
  readonly lost: number;
  /** Result files and outcomes beyond one for each photo. */
  readonly doubled: number;
  /** Photos whose bytes are not those of the undisturbed run. */
  readonly different: number;
  /** Photos that took more than one attempt: the price of the fault. */
  readonly redone: number;
  /** Finished tiles that were computed a second time. */
  readonly redoneTiles: number;
  /** Photos finished before the fault whose outcome was written again. */
  readonly rewritten: number;
  readonly leftOvers: readonly string[];
  readonly status: Pick<BatchStatus, 'status' | 'total_files' | 'completed_files' | 'failed_files' | 'progress'>;
}

export interface Evidence {
  readonly dataDir: string;
  readonly batchId: string;
  /** SHA-256 by index of the photo, of the run that nobody disturbed. */
  readonly undisturbed: ReadonlyMap<number, string>;
  readonly finishedBefore: readonly OutcomeFile[];
  readonly final: BatchStatus;
  readonly tiles: TileWatch;
}

export async function examine(evidence: Evidence): Promise<Findings> {
  const { dataDir, batchId, undisturbed, finishedBefore, final } = evidence;
  const outcomes = await outcomesOf(dataDir, batchId);
  const files = await resultFilesOf(dataDir, batchId);
  const photos = undisturbed.size;
  const published = new Map<number, string>();
  // A photo that failed in one round and was done in the next has an outcome of each.
  const completed = outcomes.flatMap(({ outcome }) => (outcome.status === 'completed' ? [outcome] : []));
  for (const outcome of completed) {
    const written = files.get(outcome.result.key);
    if (written !== undefined && written === outcome.result.sha256) published.set(outcome.index, written);
  }
  const { status, total_files, completed_files, failed_files, progress } = final;
  return {
    photos,
    lost: photos - published.size,
    doubled: surplus([...files.keys()].map(photoOf)) + surplus(completed.map(({ index }) => index)),
    different: [...published].filter(([index, sum]) => undisturbed.get(index) !== sum).length,
    redone: completed.filter(({ attempts }) => attempts > 1).length,
    redoneTiles: evidence.tiles.end(new Map(completed.map(({ index, tiles }) => [index, tiles]))),
    rewritten: finishedBefore.filter((before) => !outcomes.some((after) => isSame(before, after))).length,
    leftOvers: await leftOvers(dataDir),
    status: { status, total_files, completed_files, failed_files, progress },
  };
}

/** What the fault must not have changed. */
export const unharmed = (photos: number) => ({
  photos,
  lost: 0,
  doubled: 0,
  different: 0,
  rewritten: 0,
  leftOvers: [],
  status: { status: 'completed', total_files: photos, completed_files: photos, failed_files: 0, progress: 1 },
});

const surplus = (indexes: readonly number[]): number => indexes.length - new Set(indexes).size;

const isSame = (before: OutcomeFile, after: OutcomeFile): boolean =>
  before.file === after.file && before.modifiedMs === after.modifiedMs;
