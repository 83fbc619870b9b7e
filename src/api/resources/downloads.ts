import { REMOVED } from '../../batches/read-photos.ts';
import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { archiveQuerySchema } from '../../contracts/http-downloads.ts';
import { batchParamsSchema, taskParamsSchema } from '../../contracts/http-requests.ts';
import { parsePhotoId } from '../../contracts/ids.ts';
import { quote } from '../check-input.ts';
import type { ByteRange } from '../downloads/byte-ranges.ts';
import { resultName } from '../downloads/result-names.ts';
import { sendFile } from '../downloads/send-file.ts';
import type { House } from '../house.ts';
import { ownBatch, ownPhoto } from '../ownership.ts';
import { route } from '../route.ts';

export const downloadPhoto = route({
  method: 'get',
  path: '/api/v1/download/{task_id}',
  tag: 'Photos',
  summary: 'The enhanced photo',
  params: taskParamsSchema,
  answer: 'image/*',
  redirects: 'The file is in a bucket that clients fetch from (S3_LINK_SECONDS): follow the link at once.',
  problems: ['not_found', 'not_completed', 'removed', 'range_not_satisfiable', 'precondition_failed'],
  async handle(call, house) {
    const photo = await ownPhoto(house, call.tenant, call.params.task_id);
    const { outcome } = photo;
    if (outcome?.status === 'removed') throw new DarkroomError('removed', REMOVED[outcome.reason]);
    if (outcome?.status === 'completed' && (await house.journal.expired(photo.batchId))) {
      throw new DarkroomError('removed', REMOVED.expired);
    }
    if (outcome?.status !== 'completed') {
      const failure = photo.error && `The photo failed: ${photo.error.message}`;
      throw new DarkroomError('not_completed', failure ?? undefined);
    }
    const { result, finishedAt } = outcome;
    const name = resultName(photo.name, result.extension);
    const link = await house.store.linkTo(result.key, { fileName: name, contentType: result.contentType });
    if (link !== undefined) {
      call.response.set('Cache-Control', 'private, no-store').redirect(307, link);
      return undefined;
    }
    const file = {
      name,
      contentType: result.contentType,
      etag: `"${result.sha256}"`,
      bytes: result.bytes,
      modifiedAt: finishedAt,
      open: (range: ByteRange) => house.store.open(result.key, range),
    };
    await sendFile(call, file, house.config.DOWNLOAD_IDLE_TIMEOUT_MS);
    return undefined;
  },
});

export const downloadBatch = route({
  method: 'get',
  path: '/api/v1/batch/download/{batch_task_id}',
  tag: 'Batches',
  summary: 'A ZIP of the results there are so far, with a manifest; a download that was cut goes on with Range',
  params: batchParamsSchema,
  query: archiveQuerySchema,
  answer: 'application/zip',
  problems: [
    'invalid_request',
    'not_found',
    'not_completed',
    'removed',
    'range_not_satisfiable',
    'precondition_failed',
  ],
  async handle(call, house) {
    const { archives, store, config } = house;
    const header = await ownBatch(house, call.tenant, call.params.batch_task_id);
    const { batchId } = header;
    if (await house.journal.expired(batchId)) throw new DarkroomError('removed', REMOVED.expired);
    const view = await house.service.view(batchId);
    const ended = view?.open === false;
    if (call.query.partial === false && !ended) throw new DarkroomError('not_completed', 'The batch is not done yet.');
    const archive = await archives.find({ header, chosen: choose(header, call.query.task_ids) });
    if (archive.results.length === 0) throw await whyEmpty(house, batchId);
    const address = `${call.tenant} ${call.request.originalUrl}`;
    const file = {
      name: `${batchId}_enhanced.zip`,
      contentType: 'application/zip',
      etag: archive.etag,
      bytes: archive.bytes,
      // No date: an archive changes by what is removed or fails as well, and twice within a second.
      // The rest of an archive that has changed since would be glued to the beginning of another.
      bareRanges: archives.isOnlyOne(address, archive, ended),
      open: (range: ByteRange) => Promise.resolve(archive.open(store, range)),
    };
    const whole = await sendFile(call, file, config.DOWNLOAD_IDLE_TIMEOUT_MS);
    if (!whole) archives.noteCut(address, archive);
    return undefined;
  },
});

/** @throws DarkroomError `invalid_request` for photos that are not of this batch. */
function choose({ batchId, total }: BatchHeader, taskIds: readonly string[] | undefined): Set<number> | undefined {
  if (!taskIds) return undefined;
  const indexes = taskIds.map((id) => {
    const place = parsePhotoId(id);
    if (place?.batchId === batchId && place.index < total) return place.index;
    throw new DarkroomError('invalid_request', `${quote(id)} is not a photo of this batch.`, {
      fields: [{ pointer: 'task_ids', detail: `${quote(id)} is not a photo of this batch.` }],
    });
  });
  return new Set(indexes.sort((left, right) => left - right));
}

/** Photos looked at to tell results that are gone from results that are not there yet. */
const LOOKED_AT = 500;

async function whyEmpty({ service }: House, batchId: string): Promise<DarkroomError> {
  const view = await service.view(batchId);
  if (view?.state === 'rolled_back') return new DarkroomError('removed', 'The results of this batch were rolled back.');
  for (const { outcome } of view?.open ? [] : await service.photos(batchId, 0, LOOKED_AT)) {
    if (outcome?.status === 'removed') return new DarkroomError('removed', REMOVED[outcome.reason]);
  }
  return new DarkroomError('not_completed', 'No photo of this batch is completed yet.');
}
