import { pipeline } from 'node:stream/promises';
import { REMOVED } from '../../batches/read-photos.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { batchParamsSchema, taskParamsSchema } from '../../contracts/http-requests.ts';
import { listEntries, openArchive } from '../downloads/archive.ts';
import { isKnown, sendResult } from '../downloads/result-file.ts';
import { resultName } from '../downloads/result-names.ts';
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
  problems: ['not_found', 'not_completed', 'removed', 'range_not_satisfiable'],
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
    await sendResult(call, house.store, outcome.result, resultName(photo.name, outcome.result.extension));
    return undefined;
  },
});

export const downloadBatch = route({
  method: 'get',
  path: '/api/v1/batch/download/{batch_task_id}',
  tag: 'Batches',
  summary: 'A ZIP of the results there are so far, with a manifest',
  params: batchParamsSchema,
  answer: 'application/zip',
  problems: ['not_found', 'not_completed', 'removed'],
  async handle({ params, tenant, request, response, signal, log }, house) {
    const batch = await ownBatch(house, tenant, params.batch_task_id);
    if (await house.journal.expired(batch.batchId)) throw new DarkroomError('removed', REMOVED.expired);
    const entries = await listEntries(house.service.results(batch.batchId));
    if (entries.length === 0) throw await whyEmpty(house, batch.batchId);
    const archive = await openArchive(house.store, batch, entries);
    response.attachment(`${batch.batchId}_enhanced.zip`);
    response.set({
      'Content-Type': 'application/zip',
      'Content-Length': String(archive.bytes),
      'Cache-Control': 'private, no-cache',
      ETag: archive.etag,
    });
    try {
      if (isKnown(request, archive.etag)) {
        response.removeHeader('Content-Length');
        response.status(304).end();
      } else if (request.method === 'HEAD') response.end();
      else await pipeline(archive.stream, response, { signal });
    } catch (error) {
      log.debug({ err: error }, 'an archive ended early');
      response.destroy();
    } finally {
      archive.close();
    }
    return undefined;
  },
});

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
