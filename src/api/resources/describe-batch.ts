import type { BatchView } from '../../batches/batch-service.ts';
import { showPlace } from '../../contracts/batch.ts';
import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { BatchAnswer } from '../../contracts/http-batches.ts';
import { showOptions } from '../../contracts/option-fields.ts';
import type { House } from '../house.ts';

/** When the retention clock will remove uploads and results, epoch seconds; nothing is removed while a batch is open. */
export const expiresAt = ({ open, updatedAt }: BatchView, { RETENTION_HOURS }: Config): number | null =>
  open ? null : updatedAt / 1000 + RETENTION_HOURS * 3600;

/** The batch as part 2 of the contract shows it. */
export function describeBatch(view: BatchView, config: Config): BatchAnswer {
  const { header, total, completed, failed } = view;
  const { batchId, destination, options } = header;
  return {
    batch_id: batchId,
    operation_id: batchId,
    state: view.cancelling ? 'cancelling' : view.state,
    open: view.accepting,
    options: showOptions(options),
    destination: { kind: destination.kind, path: showPlace(destination) },
    max_workers: view.maxWorkers,
    priority: view.priority,
    tags: header.tags ?? [],
    total,
    completed,
    failed,
    progress: total > 0 ? (completed + failed) / total : 0,
    work_done: view.share,
    eta: view.eta,
    stale: view.stale,
    created_at: header.createdAt / 1000,
    updated_at: view.updatedAt / 1000,
    expires_at: expiresAt(view, config),
    message: view.message,
    links: {
      self: `/api/v1/batches/${batchId}`,
      photos: `/api/v1/batches/${batchId}/photos`,
      download: `/api/v1/batch/download/${batchId}`,
      operation: `/api/v1/operations/${batchId}`,
    },
  };
}

export async function readBatch({ service, config }: House, batchId: string): Promise<BatchAnswer> {
  const view = await service.view(batchId);
  if (!view) throw new DarkroomError('not_found', 'There is no batch with this ID.');
  return describeBatch(view, config);
}
