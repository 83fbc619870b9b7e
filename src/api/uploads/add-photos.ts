import { createHash } from 'node:crypto';
import type { AddedPhotos } from '../../batches/batch-service.ts';
import type { BatchHeader, PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { noSettingsSchema, PHOTOS_PER_BATCH } from '../../contracts/http-batch-requests.ts';
import { pageOf } from '../../contracts/ids.ts';
import { addedUploadsPrefix } from '../../storage/keys.ts';
import { checkInput } from '../check-input.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { useUploads } from '../sources/upload-photos.ts';
import { limitsOf, recordUploads, requireOneGood } from './photo-records.ts';
import { contentOf, receiveForm } from './receive-form.ts';
import { requireDisk, requireTemporal, requireTenantRoom } from './requirements.ts';

const FIELD = 'files';

export interface Added {
  readonly added: AddedPhotos;
  readonly photos: readonly PhotoRecord[];
}

/**
 * Takes the photos of a form in and adds them to an open batch. With an `Idempotency-Key` a form that is sent again adds
 * nothing. A failure removes what the request brought, unless nobody can tell whether the batch has it.
 */
export async function addForm(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
): Promise<Added> {
  const { batchId } = header;
  const additionId = nameAddition(call.request.get('idempotency-key'), house);
  const uploads = nameUploads(batchId, house);
  await requireRoom(call, house, batchId, additionId, house.config.BATCH_FORM_MAX_FILES);
  let asked = false;
  try {
    const photos = await house.uploads.slots.within(call.tenant, () => receive(call, house, header, uploads));
    const isTaken = await house.service.hasAddition(batchId, additionId);
    if (!isTaken) await requireTenantRoom(call, house, photos.length);
    asked = true;
    const added = await house.service.addPhotos(batchId, { additionId, photos });
    if (added.repeated) await house.store.removeAll(uploads);
    return { added, photos: added.repeated ? [] : photos };
  } catch (error) {
    const inDoubt = asked && (await house.service.hasAddition(batchId, additionId));
    if (!inDoubt) await house.store.removeAll(uploads);
    throw error;
  }
}

/** Gives resumable uploads to an open batch; with an `Idempotency-Key` the same request again adds nothing. */
export async function addUploads(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
  ids: readonly string[],
): Promise<Added> {
  const { batchId } = header;
  const additionId = nameAddition(call.request.get('idempotency-key'), house);
  const uploads = nameUploads(batchId, house);
  await requireRoom(call, house, batchId, additionId, ids.length, ids.length);
  const isTaken = (): Promise<boolean> => house.service.hasAddition(batchId, additionId);
  if (await isTaken()) {
    const added = await house.service.addPhotos(batchId, { additionId, photos: [] });
    return { added, photos: [] };
  }
  const source = {
    ids,
    pointer: '/upload_ids',
    tenant: call.tenant,
    claim: { batchId, additionId },
    limits: limitsOf(house, header.options),
    keyOf: (index: number) => `${uploads}/${pageOf(index)}/${index}`,
    isTaken,
    signal: call.signal,
  };
  try {
    return await useUploads(house, source, async (photos) => ({
      added: await house.service.addPhotos(batchId, { additionId, photos }),
      photos,
    }));
  } catch (error) {
    if (!(await isTaken())) await house.store.removeAll(uploads);
    throw error;
  }
}

/** A place of this request alone: one that comes a second time must not replace the photos of the first. */
export const nameUploads = (batchId: string, house: House): string =>
  addedUploadsPrefix(batchId, `u-${hex(house.random(10))}`);

async function receive(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
  uploads: string,
): Promise<PhotoRecord[]> {
  const { config, store } = house;
  const limits = { field: FIELD, maxFiles: config.BATCH_FORM_MAX_FILES, maxFileBytes: config.UPLOAD_MAX_BYTES };
  const keyOf = (index: number): string => `${uploads}/${index}`;
  const form = await receiveForm(call.request, call.response, store, keyOf, limits, call.signal);
  await call.once.recall(contentOf(form));
  const { files, fields } = form;
  checkInput(noSettingsSchema, fields, 'form');
  if (files.length === 0) throw new DarkroomError('no_files', `The form has no photo in field "${FIELD}".`);
  const photos = await recordUploads(files, house, limitsOf(house, header.options));
  requireOneGood(photos);
  call.signal.throwIfAborted();
  return photos;
}

/** Asked before a photo is taken. An addition that came before is answered even when the batch takes no more. */
export async function requireRoom(
  call: Call<unknown, unknown, unknown>,
  house: House,
  batchId: string,
  additionId: string,
  most: number,
  /** Known already; of a form nobody knows. */
  photos = 0,
): Promise<void> {
  await requireTemporal(house);
  await requireDisk(call, house);
  if (await house.service.hasAddition(batchId, additionId)) return;
  await requireTenantRoom(call, house, Math.max(1, photos));
  const view = await house.service.view(batchId);
  if (view?.accepting === false) {
    const why = view.open ? 'is sealed' : `has ended (${view.state})`;
    throw new DarkroomError('wrong_state', `The batch ${why}: no photo can be added.`);
  }
  if (view && view.total + most > PHOTOS_PER_BATCH) {
    throw new DarkroomError('wrong_state', `A batch may have ${PHOTOS_PER_BATCH} photos: seal this one, open another.`);
  }
}

const KEY_CHARACTERS = 32;

/** The client's own name for the addition, as characters a store can have in a key; else one that is new. */
export function nameAddition(key: string | undefined, house: House): string {
  if (key === undefined || key === '') return `a-${hex(house.random(10))}`;
  if (key.length > 255) throw new DarkroomError('invalid_request', 'Idempotency-Key may have 255 characters at most.');
  return `k-${createHash('sha256').update(key).digest('hex').slice(0, KEY_CHARACTERS)}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
