import { createHash } from 'node:crypto';
import type { AddedPhotos } from '../../batches/batch-service.ts';
import type { BatchHeader, PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { noSettingsSchema, PHOTOS_PER_BATCH } from '../../contracts/http-batch-requests.ts';
import { addedUploadsPrefix } from '../../storage/keys.ts';
import { checkInput } from '../check-input.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { limitsOf, recordUploads, requireOneGood } from './photo-records.ts';
import { receiveForm } from './receive-form.ts';
import { requireDisk, requireTemporal } from './requirements.ts';

const FIELD = 'files';

/**
 * Takes the photos of a form in and adds them to an open batch. With an `Idempotency-Key` a form that is sent again adds
 * nothing. A failure removes what the request brought, unless nobody can tell whether the batch has it.
 */
export async function addUploads(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
): Promise<{ added: AddedPhotos; photos: readonly PhotoRecord[] }> {
  const { batchId } = header;
  const additionId = nameAddition(call.request.get('idempotency-key'), house);
  // Uploads have a name of this request alone: one that comes a second time must not replace those of the first.
  const uploads = addedUploadsPrefix(batchId, `u-${hex(house.random(10))}`);
  await requireRoom(call, house, batchId, additionId);
  let asked = false;
  try {
    const photos = await receive(call, house, header, uploads);
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

async function receive(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
  uploads: string,
): Promise<PhotoRecord[]> {
  const { config, store } = house;
  const limits = { field: FIELD, maxFiles: config.BATCH_FORM_MAX_FILES, maxFileBytes: config.UPLOAD_MAX_BYTES };
  const keyOf = (index: number): string => `${uploads}/${index}`;
  const { files, fields } = await receiveForm(call.request, call.response, store, keyOf, limits, call.signal);
  checkInput(noSettingsSchema, fields, 'form');
  if (files.length === 0) throw new DarkroomError('no_files', `The form has no photo in field "${FIELD}".`);
  const photos = await recordUploads(files, house, limitsOf(house, header.options.scale));
  requireOneGood(photos);
  call.signal.throwIfAborted();
  return photos;
}

/** Asked before the form is read. An addition that came before is answered even when the batch takes no more. */
async function requireRoom(
  call: Call<unknown, unknown, unknown>,
  house: House,
  batchId: string,
  additionId: string,
): Promise<void> {
  await requireTemporal(house);
  await requireDisk(call, house);
  if (await house.service.hasAddition(batchId, additionId)) return;
  const view = await house.service.view(batchId);
  if (view?.accepting === false) {
    const why = view.open ? 'is sealed' : `has ended (${view.state})`;
    throw new DarkroomError('wrong_state', `The batch ${why}: no photo can be added.`);
  }
  if (view && view.total + house.config.BATCH_FORM_MAX_FILES > PHOTOS_PER_BATCH) {
    throw new DarkroomError('wrong_state', `A batch may have ${PHOTOS_PER_BATCH} photos: seal this one, open another.`);
  }
}

const KEY_CHARACTERS = 32;

/** The client's own name for the addition, as characters a store can have in a key; else one that is new. */
function nameAddition(key: string | undefined, house: House): string {
  if (key === undefined || key === '') return `a-${hex(house.random(10))}`;
  if (key.length > 255) throw new DarkroomError('invalid_request', 'Idempotency-Key may have 255 characters at most.');
  return `k-${createHash('sha256').update(key).digest('hex').slice(0, KEY_CHARACTERS)}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
