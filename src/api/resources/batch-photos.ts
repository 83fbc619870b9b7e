import type { PhotoView } from '../../batches/batch-service.ts';
import type { CompletedOutcome } from '../../contracts/batch.ts';
import { photoListSchema, type PhotoList } from '../../contracts/http-batches.ts';
import {
  batchIdParamsSchema,
  photoPageSchema,
  PHOTOS_PER_ANSWER,
  type PHOTO_STATES,
} from '../../contracts/http-batch-requests.ts';
import { PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import { placeOf } from '../cursor.ts';
import type { House } from '../house.ts';
import { ownBatch } from '../ownership.ts';
import { route } from '../route.ts';

/** Photos looked at for one answer: a state that few are in must not make one call read a hundred thousand. */
const LOOKED_AT_MOST = 10 * PHOTOS_PER_PAGE;

export const listPhotos = route({
  method: 'get',
  path: '/api/v1/batches/{batch_id}/photos',
  tag: 'Batches',
  summary: 'Every photo of a batch in the order of the batch; an answer may be short while next_cursor says more',
  params: batchIdParamsSchema,
  query: photoPageSchema,
  answer: photoListSchema,
  problems: ['not_found', 'invalid_request'],
  async handle({ params, query, tenant }, house): Promise<PhotoList> {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    const limit = query.limit ?? PHOTOS_PER_ANSWER;
    const { found, next } = await findPhotos(house, batchId, placeOf(query.cursor), limit, query.status);
    return { batch_id: batchId, photos: found.map(describePhoto), next_cursor: next === null ? null : String(next) };
  },
});

async function findPhotos(
  { service }: House,
  batchId: string,
  from: number,
  limit: number,
  status: PhotoState | undefined,
): Promise<{ found: PhotoView[]; next: number | null }> {
  const total = (await service.view(batchId))?.total ?? 0;
  const found: PhotoView[] = [];
  const end = Math.min(total, from + LOOKED_AT_MOST);
  let at = from;
  while (at < end) {
    const size = status === undefined ? limit : PHOTOS_PER_PAGE;
    const page = await service.photos(batchId, at, Math.min(size, end - at));
    for (const photo of page) {
      at = photo.index + 1;
      if (status !== undefined && stateOf(photo) !== status) continue;
      found.push(photo);
      if (found.length === limit) return { found, next: at < total ? at : null };
    }
    if (page.length === 0) return { found, next: null };
  }
  return { found, next: at < total ? at : null };
}

type PhotoState = (typeof PHOTO_STATES)[number];

const stateOf = ({ outcome, status }: PhotoView): PhotoState => (outcome?.status === 'removed' ? 'removed' : status);

function describePhoto(photo: PhotoView): PhotoList['photos'][number] {
  const { outcome } = photo;
  return {
    task_id: photo.photoId,
    index: photo.index,
    filename: photo.name,
    status: stateOf(photo),
    progress: photo.progress,
    attempts: photo.attempts,
    bytes: photo.bytes,
    original: photo.original,
    ...describeWork(photo, photo.status === 'completed' && outcome?.status === 'completed' ? outcome : undefined),
    error: photo.error?.message ?? null,
    error_code: photo.error?.code ?? null,
    hint: photo.error?.hint ?? null,
    finished_at: photo.status === 'completed' || photo.status === 'failed' ? photo.updatedAt / 1000 : null,
    message: photo.message,
  };
}

/** What only a finished photo has. */
function describeWork({ photoId }: PhotoView, outcome: CompletedOutcome | undefined) {
  if (!outcome) return { result: null, timings: null, recipe: null, warnings: [], started_at: null };
  const { result, timings } = outcome;
  return {
    result: {
      width: result.width,
      height: result.height,
      bytes: result.bytes,
      content_type: result.contentType,
      sha256: result.sha256,
      url: `/api/v1/download/${photoId}`,
    },
    timings: {
      decode: timings.decodeMs / 1000,
      network: timings.networkMs / 1000,
      encode: timings.encodeMs / 1000,
      total: timings.totalMs / 1000,
    },
    recipe: outcome.recipe,
    warnings: outcome.warnings,
    started_at: outcome.startedAt / 1000,
  };
}
