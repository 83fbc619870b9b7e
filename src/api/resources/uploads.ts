import { UPLOAD_BYTES, uploadParamsSchema, uploadSchema, type UploadAnswer } from '../../contracts/http-uploads.ts';
import { route } from '../route.ts';
import { serveTus, UPLOADS_PATH } from '../uploads/serve-tus.ts';
import { ownUpload, TUS_EXTENSIONS } from '../uploads/tus-store.ts';

/** Resumable uploads, tus 1.0: https://tus.io/protocols/resumable-upload. */

const tag = 'Uploads';
const ONE = `${UPLOADS_PATH}/{upload_id}` as const;
const VERSION = { 'Tus-Resumable': '1.0.0' };
/** What looking at a finished photo may find. */
const REFUSALS = ['empty_file', 'unsupported_format', 'image_unreadable', 'too_many_pixels'] as const;
const WRITING = ['file_too_large', 'request_timeout', 'uploads_busy', 'storage_full', 'storage_unavailable'] as const;

export const offerUploads = route({
  method: 'options',
  path: UPLOADS_PATH,
  tag,
  summary: 'What of the tus protocol is spoken, and how large an upload may be',
  open: true,
  wire: { headers: {}, status: 204, means: 'Tus-Version, Tus-Extension and Tus-Max-Size say it.' },
  answer: '',
  handle({ response }, { config }) {
    response.set({
      Allow: 'POST, OPTIONS',
      'Tus-Resumable': '1.0.0',
      'Tus-Version': '1.0.0',
      'Tus-Extension': TUS_EXTENSIONS.join(','),
      'Tus-Max-Size': String(config.UPLOAD_MAX_BYTES),
    });
    response.status(204).end();
    return Promise.resolve(undefined);
  },
});

export const createUpload = route({
  method: 'post',
  path: UPLOADS_PATH,
  tag,
  summary: 'Begin an upload that can be resumed; its first bytes may come along',
  wire: {
    headers: {
      ...VERSION,
      'Upload-Length': 'Bytes of the photo.',
      'Upload-Metadata': '`filename` and its name in Base64, as tus writes it.',
    },
    sends: UPLOAD_BYTES,
    status: 201,
    means: 'Location ends with the ID of the upload.',
  },
  answer: '',
  problems: ['invalid_request', 'tus_version', ...REFUSALS, ...WRITING],
  async handle(call, house) {
    await serveTus(call, house);
    return undefined;
  },
});

export const findUpload = route({
  method: 'head',
  path: ONE,
  tag,
  summary: 'How much of an upload has come',
  params: uploadParamsSchema,
  wire: { headers: VERSION, status: 200, means: 'Upload-Offset says where to go on.' },
  answer: '',
  problems: ['not_found', 'upload_expired', 'upload_used', 'tus_version'],
  async handle(call, house) {
    await serveTus(call, house, call.params.upload_id);
    return undefined;
  },
});

export const describeUpload = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'An upload and, when it is complete, what it was found to be',
  params: uploadParamsSchema,
  answer: uploadSchema,
  problems: ['not_found', 'upload_expired', 'upload_used'],
  async handle({ params, tenant }, { uploads }): Promise<UploadAnswer> {
    const { id, name, length, photo, createdAt } = await ownUpload(uploads, tenant, params.upload_id);
    const offset = photo ? length : await uploads.shelf.offset(id);
    return {
      upload_id: id,
      filename: name,
      length,
      offset,
      complete: offset === length,
      photo: photo ?? null,
      created_at: createdAt / 1000,
      expires_at: (createdAt + uploads.expiryMs) / 1000,
    };
  },
});

export const writeUpload = route({
  method: 'patch',
  path: ONE,
  tag,
  summary: 'Send bytes of an upload; with the last of them it is looked at',
  params: uploadParamsSchema,
  wire: {
    headers: { ...VERSION, 'Upload-Offset': 'Bytes that have come before.' },
    sends: UPLOAD_BYTES,
    status: 204,
    means: 'Upload-Offset says where to go on.',
  },
  answer: '',
  problems: [
    'not_found',
    'invalid_request',
    'upload_conflict',
    'upload_expired',
    'upload_used',
    'tus_version',
    ...REFUSALS,
    ...WRITING,
  ],
  async handle(call, house) {
    await serveTus(call, house, call.params.upload_id);
    return undefined;
  },
});

export const removeUpload = route({
  method: 'delete',
  path: ONE,
  tag,
  summary: 'Remove an upload that no batch has taken',
  params: uploadParamsSchema,
  wire: { headers: VERSION, status: 204, means: 'It is gone.' },
  answer: '',
  problems: ['not_found', 'upload_used', 'tus_version'],
  async handle(call, house) {
    await serveTus(call, house, call.params.upload_id);
    return undefined;
  },
});
