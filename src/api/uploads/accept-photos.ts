import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { enhanceSettingsSchema, type EnhanceSettings } from '../../contracts/http-requests.ts';
import { makeBatchId, pageOf } from '../../contracts/ids.ts';
import { batchPrefix, uploadKey } from '../../storage/keys.ts';
import { checkInput } from '../check-input.ts';
import type { House } from '../house.ts';
import type { Call, FormShape } from '../route.ts';
import { nameUploads } from './add-photos.ts';
import { limitsOf, recordUploads, requireOneGood } from './photo-records.ts';
import { contentOf, receiveForm, type ReceivedFile, type ReceivedForm } from './receive-form.ts';
import { requireDisk, requireTemporal, requireTenantRoom } from './requirements.ts';
import { joinSettings, settingsOf, type BatchSettings } from './settings.ts';

/**
 * Takes the photos of a form in and submits them as one batch. Until it is submitted, any failure, a client that goes away
 * included, removes everything the request brought.
 */
export async function acceptPhotos(
  call: Call<unknown, EnhanceSettings, unknown>,
  house: House,
  form: FormShape,
): Promise<BatchHeader> {
  await requireTemporal(house);
  await requireDisk(call, house);
  await requireTenantRoom(call, house, 1);
  const { once } = call;
  const batchId = once.batchId ?? makeBatchId(new Date(house.clock()), house.random(10));
  // Tries under one key make one batch: none may touch the photos of another.
  const uploads = once.batchId === undefined ? undefined : nameUploads(batchId, house);
  const keyOf = (index: number): string =>
    uploads === undefined ? uploadKey(batchId, index) : `${uploads}/${pageOf(index)}/${index}`;
  let asked = false;
  try {
    const received = await house.uploads.slots.within(call.tenant, () => receive(call, house, form, keyOf));
    const made = await once.recall(contentOf(received));
    if (made) return await answerMade(house, made, uploads);
    const { files, settings } = checkForm(call, house, form, received);
    if (form.many) await requireTenantRoom(call, house, files.length);
    const photos = await recordUploads(files, house, limitsOf(house, settings.options));
    requireOneGood(photos);
    call.signal.throwIfAborted();
    const { tenant } = call;
    asked = true;
    return await house.service.submit({ batchId, kind: form.many ? 'batch' : 'single', tenant, ...settings, photos });
  } catch (error) {
    // A batch with a header was submitted, even when nobody can tell whether it was started: it may be resumed.
    const submitted = asked && (await house.journal.header(batchId));
    if (!submitted) await house.store.removeAll(uploads ?? batchPrefix(batchId));
    throw error;
  }
}

/** An earlier try wrote the batch down before it broke off; whether it was started too, nobody knows. */
async function answerMade(
  { store, service }: House,
  made: BatchHeader,
  uploads: string | undefined,
): Promise<BatchHeader> {
  if (uploads !== undefined) await store.removeAll(uploads);
  await service.start(made.batchId);
  return made;
}

function receive(
  { request, response, signal }: Call<unknown, EnhanceSettings, unknown>,
  { config, store }: House,
  form: FormShape,
  keyOf: (index: number) => string,
): Promise<ReceivedForm> {
  const limits = {
    field: form.field,
    maxFiles: form.many ? config.BATCH_FORM_MAX_FILES : 1,
    maxFileBytes: config.UPLOAD_MAX_BYTES,
  };
  return receiveForm(request, response, store, keyOf, limits, signal);
}

function checkForm(
  call: Call<unknown, EnhanceSettings, unknown>,
  { config }: House,
  form: FormShape,
  { files, fields }: ReceivedForm,
): { files: readonly ReceivedFile[]; settings: BatchSettings } {
  const settings = joinSettings(call.query, checkInput(enhanceSettingsSchema, fields, 'form'));
  if (files.length === 0) throw new DarkroomError('no_files', `The form has no photo in field "${form.field}".`);
  return { files, settings: settingsOf(settings, config) };
}
