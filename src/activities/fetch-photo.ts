import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { FetchActivities, PhotoTask } from '../contracts/activities.ts';
import type { Config } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { HEAD_BYTES, recogniseFormat } from '../contracts/photo-format.ts';
import { openSource, type SourceDoors } from '../outgoing/open-source.ts';
import type { Journal } from '../storage/journal.ts';
import type { Store } from '../storage/store.ts';
import { asFailure, isEngineFault } from './failures.ts';

export interface FetchDependencies extends SourceDoors {
  readonly store: Store;
  readonly journal: Journal;
  readonly config: Pick<Config, 'UPLOAD_MAX_BYTES' | 'OUTGOING_TIMEOUT_MS' | 'DISK_RESERVE_BYTES'>;
}

const HEARTBEAT_INTERVAL_MS = 1000;

/** What an attempt tells the next: an attempt that ended with its worker, or waited for room on the disk, is none of the address's faults. */
interface FetchHeartbeat {
  faults: number;
}

/** Activities that ask addresses and buckets of others: task queue `fetch`. */
export function createFetchActivities(deps: FetchDependencies): FetchActivities {
  return {
    async fetchPhoto(task) {
      const context = Context.current();
      const { cancellationSignal: signal, info } = context;
      const earlier: Partial<FetchHeartbeat> | undefined = info.heartbeatDetails;
      const beat: FetchHeartbeat = { faults: earlier?.faults ?? 0 };
      const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_INTERVAL_MS);
      try {
        await fetchPhoto(deps, task, signal);
      } catch (error) {
        if (signal.aborted) throw new CancelledFailure('CANCELLED');
        if (isEngineFault(error)) beat.faults += 1;
        context.heartbeat(beat);
        throw asFailure(error, { attempt: info.attempt, faults: beat.faults });
      } finally {
        clearInterval(timer);
      }
    },
  };
}

async function fetchPhoto(deps: FetchDependencies, task: PhotoTask, signal: AbortSignal): Promise<void> {
  const { store, journal, config } = deps;
  const record = await journal.photo(task.batchId, task.index);
  if (record?.original.kind !== 'upload' || record.original.from === undefined) {
    throw new DarkroomError('source_missing', 'The batch is no longer in the journal.');
  }
  const { key, from, etag } = record.original;
  const known = await journal.outcomeUpTo(task.batchId, task.index, task.epoch);
  if (known?.status === 'completed' || known?.status === 'removed' || (await store.stat(key))) return;
  const free = await store.freeBytes();
  if (free !== undefined && free < config.DISK_RESERVE_BYTES) throw new DarkroomError('storage_full');
  const { UPLOAD_MAX_BYTES: maxBytes, OUTGOING_TIMEOUT_MS: timeoutMs } = config;
  const source = await openSource(deps, { from, etag, maxBytes, timeoutMs, signal });
  try {
    await store.write(key, photoOf(source.bytes), { signal });
  } finally {
    source.close();
  }
}

/**
 * The bytes as they come, once the first of them were seen to be a photo: what the answer calls itself proves nothing.
 * @throws DarkroomError `empty_file`, `unsupported_format`.
 */
async function* photoOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < HEAD_BYTES) continue;
    recogniseFormat(head.subarray(0, HEAD_BYTES));
    yield head;
    head = undefined;
  }
  if (!head) return;
  recogniseFormat(head);
  yield head;
}
