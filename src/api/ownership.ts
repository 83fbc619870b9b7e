import type { OperationView, PhotoView } from '../batches/batch-service.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { isBatchId, isRollbackId, parsePhotoId } from '../contracts/ids.ts';
import type { House } from './house.ts';

/** The batch's header, when it is the caller's: what belongs to another is as unknown as what never was (404, not 403). */
export async function ownBatch({ journal }: House, tenant: string, batchId: string): Promise<BatchHeader> {
  const header = isBatchId(batchId) ? await journal.header(batchId) : undefined;
  if (header?.tenant !== tenant) throw new DarkroomError('not_found', 'There is no batch with this ID.');
  return header;
}

/** The caller's batch or rollback. */
export async function ownOperation({ service }: House, tenant: string, id: string): Promise<OperationView> {
  const operation = isBatchId(id) || isRollbackId(id) ? await service.operation(id) : undefined;
  if (operation?.tenant !== tenant) throw new DarkroomError('not_found', 'There is no operation with this ID.');
  return operation;
}

/** The caller's photo; one that was deleted is as unknown as if it had never been. */
export async function ownPhoto(house: House, tenant: string, photoId: string): Promise<PhotoView> {
  const parsed = parsePhotoId(photoId);
  const header = parsed ? await house.journal.header(parsed.batchId) : undefined;
  const photo = header?.tenant === tenant ? await house.service.photo(photoId) : undefined;
  if (!photo) throw new DarkroomError('not_found', 'There is no task with this ID.');
  return photo;
}
