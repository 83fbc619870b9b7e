import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { enhanceSettingsSchema, type EnhanceSettings } from '../../contracts/http-requests.ts';
import { makeBatchId } from '../../contracts/ids.ts';
import { batchPrefix, uploadKey } from '../../storage/keys.ts';
import { checkInput } from '../check-input.ts';
import type { House } from '../house.ts';
import type { Call, FormShape } from '../route.ts';
import { limitsOf, recordUploads, requireOneGood } from './photo-records.ts';
import { receiveForm, type ReceivedFile } from './receive-form.ts';
import { requireDisk, requireTemporal } from './requirements.ts';
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
  const batchId = makeBatchId(new Date(house.clock()), house.random(10));
  try {
    const { files, settings } = await receive(call, house, form, batchId);
    const photos = await recordUploads(files, house, limitsOf(house, settings.options.scale));
    requireOneGood(photos);
    call.signal.throwIfAborted();
    const { tenant } = call;
    return await house.service.submit({ batchId, kind: form.many ? 'batch' : 'single', tenant, ...settings, photos });
  } catch (error) {
    // A batch with a header was submitted, even when nobody can tell whether it was started: it may be resumed.
    const submitted = await house.journal.header(batchId);
    if (!submitted) await house.store.removeAll(batchPrefix(batchId));
    throw error;
  }
}

async function receive(
  call: Call<unknown, EnhanceSettings, unknown>,
  { config, store }: House,
  form: FormShape,
  batchId: string,
): Promise<{ files: readonly ReceivedFile[]; settings: BatchSettings }> {
  const limits = {
    field: form.field,
    maxFiles: form.many ? config.BATCH_FORM_MAX_FILES : 1,
    maxFileBytes: config.UPLOAD_MAX_BYTES,
  };
  const keyOf = (index: number): string => uploadKey(batchId, index);
  const { files, fields } = await receiveForm(call.request, call.response, store, keyOf, limits, call.signal);
  const settings = joinSettings(call.query, checkInput(enhanceSettingsSchema, fields, 'form'));
  if (files.length === 0) throw new DarkroomError('no_files', `The form has no photo in field "${form.field}".`);
  return { files, settings: settingsOf(settings, config) };
}
