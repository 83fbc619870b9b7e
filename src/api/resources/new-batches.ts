import {
  batchCreatedSchema,
  batchSchema,
  photosAddedSchema,
  type BatchCreated,
  type PhotosAdded,
} from '../../contracts/http-batches.ts';
import {
  addPhotosSchema,
  batchIdParamsSchema,
  newBatchSchema,
  type AddPhotosRequest,
} from '../../contracts/http-batch-requests.ts';
import { ownBatch } from '../ownership.ts';
import { ONCE_PROBLEMS } from '../idempotency/once.ts';
import { ORDER_BYTES, route } from '../route.ts';
import type { Found } from '../sources/found.ts';
import { orderBatch } from '../sources/order-batch.ts';
import { addElsewhere } from '../sources/add-elsewhere.ts';
import { addForm, addUploads } from '../uploads/add-photos.ts';
import { readBatch } from './describe-batch.ts';
import { UPLOAD_PROBLEMS } from './enhance.ts';

export const createBatch = route({
  method: 'post',
  path: '/api/v1/batches',
  tag: 'Batches',
  summary:
    'Enhance the photos of a folder, of uploads, of URLs or of a bucket, or open a batch that photos are added to',
  body: newBatchSchema,
  bodyBytes: ORDER_BYTES,
  once: true,
  waits: async (reply, call, house) => {
    const { batch_id: batchId } = batchCreatedSchema.parse(reply);
    if (!(await house.waiting.wait(call, house, batchId))) return reply;
    return { ...reply, ...(await readBatch(house, batchId)) };
  },
  answer: batchCreatedSchema,
  problems: [
    ...ONCE_PROBLEMS,
    'invalid_request',
    'no_files',
    'too_many_files',
    'empty_file',
    'unsupported_format',
    'image_unreadable',
    'too_many_pixels',
    'result_too_large',
    'upload_missing',
    'upload_incomplete',
    'upload_expired',
    'upload_used',
    'url_not_allowed',
    'bucket_refused',
    'source_missing',
    'file_too_large',
    'storage_unavailable',
    'storage_full',
    'temporal_unavailable',
  ],
  async handle(call, house): Promise<BatchCreated> {
    const { header, skipped, skippedTotal } = await orderBatch(call, house);
    call.response.location(`/api/v1/batches/${header.batchId}`);
    const batch = await readBatch(house, header.batchId);
    return { ...batch, skipped: skipped.map(({ path, reason }) => ({ path, reason })), skipped_total: skippedTotal };
  },
});

export const getBatch = route({
  method: 'get',
  path: '/api/v1/batches/{batch_id}',
  tag: 'Batches',
  summary: 'A batch with its settings and how far it is',
  params: batchIdParamsSchema,
  waits: true,
  answer: batchSchema,
  problems: ['not_found'],
  async handle(call, house) {
    const { batchId } = await ownBatch(house, call.tenant, call.params.batch_id);
    await house.waiting.wait(call, house, batchId);
    return readBatch(house, batchId);
  },
});

export const addPhotos = route({
  method: 'post',
  path: '/api/v1/batches/{batch_id}/photos',
  tag: 'Batches',
  summary: 'Add photos to an open batch; each starts at once',
  params: batchIdParamsSchema,
  form: { field: 'files', many: true },
  body: addPhotosSchema,
  bodyBytes: ORDER_BYTES,
  once: true,
  answer: photosAddedSchema,
  problems: [
    ...ONCE_PROBLEMS,
    ...UPLOAD_PROBLEMS,
    'too_many_files',
    'not_found',
    'wrong_state',
    'upload_missing',
    'upload_incomplete',
    'upload_expired',
    'upload_used',
    'url_not_allowed',
    'bucket_refused',
    'source_missing',
    'storage_unavailable',
  ],
  async handle(call, house): Promise<PhotosAdded> {
    const header = await ownBatch(house, call.tenant, call.params.batch_id);
    // A form has no JSON body: the schema was not asked then.
    const { upload_ids: ids, source } = (call.body as AddPhotosRequest | undefined) ?? {};
    const { added, photos, skipped, skippedTotal } = source
      ? await addElsewhere(call, house, header, source)
      : { ...NONE_SKIPPED, ...(ids ? await addUploads(call, house, header, ids) : await addForm(call, house, header)) };
    call.response.location(`/api/v1/batches/${header.batchId}/photos`);
    const word = added.count === 1 ? 'photo was' : 'photos were';
    return {
      batch_id: header.batchId,
      from: added.from,
      count: added.count,
      task_ids: added.photoIds,
      repeated: added.repeated,
      refused: photos.flatMap(({ name, refused }) =>
        refused ? [{ filename: name, error_code: refused.code, error: refused.message }] : [],
      ),
      skipped: skipped.map(({ path, reason }) => ({ path, reason })),
      skipped_total: skippedTotal,
      message: `${added.count} ${word} added${added.repeated ? ' before; nothing was changed' : ''}.`,
    };
  },
});

/** What is sent is taken or refused. */
const NONE_SKIPPED: Pick<Found, 'skipped' | 'skippedTotal'> = { skipped: [], skippedTotal: 0 };
