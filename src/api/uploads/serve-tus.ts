import type { Request as ExpressRequest } from 'express';
import { Server, TUS_RESUMABLE, type Upload } from '@tus/server';
import { DarkroomError, type ErrorCode } from '../../contracts/errors.ts';
import { makeUploadId, UPLOAD_BYTES, UPLOAD_ID_BYTES } from '../../contracts/http-uploads.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { finishUpload } from './finish-upload.ts';
import { requireRoomFor } from './requirements.ts';
import { TusStore } from './tus-store.ts';

export const UPLOADS_PATH = '/api/v1/uploads';

/** How long a request that another one pushes aside may take to write down what it has. */
const DRAIN_MS = 200;
const METADATA_CHARACTERS = 4096;

type TusCall = Pick<Call<unknown, unknown, unknown>, 'request' | 'response' | 'tenant' | 'signal'>;

/** Answers a request of the protocol; what goes wrong leaves as any other problem does. */
export async function serveTus(call: TusCall, house: House, uploadId?: string): Promise<void> {
  const { request, response } = call;
  response.set('Tus-Resumable', TUS_RESUMABLE);
  response.set('Tus-Version', TUS_RESUMABLE);
  const { slots } = house.uploads;
  const answer = carriesBytes(request)
    ? await slots.within(call.tenant, () => speakTus(call, house, uploadId))
    : await speakTus(call, house, uploadId);
  for (const name of ANSWERED) {
    const value = answer.headers.get(name);
    if (value !== null) response.set(name, value);
  }
  response.status(answer.status).end();
}

/** Of the library's headers those of the protocol: CORS and caching are the house's own. */
const ANSWERED = ['Location', 'Upload-Offset', 'Upload-Length', 'Upload-Metadata', 'Upload-Expires', 'Connection'];
const ASKED = [
  'tus-resumable',
  'upload-length',
  'upload-offset',
  'upload-metadata',
  'upload-defer-length',
  'upload-concat',
  'content-type',
  'content-length',
];

const carriesBytes = (request: ExpressRequest): boolean => request.get('content-type') === UPLOAD_BYTES;

async function speakTus(call: TusCall, house: House, uploadId: string | undefined): Promise<Response> {
  const { request, signal } = call;
  let created: string | undefined;
  let failure: unknown;
  // A server for each request: the library's store is not told who is calling.
  const server = new Server({
    path: UPLOADS_PATH,
    relativeLocation: true,
    datastore: new TusStore(house.uploads, call.tenant),
    locker: house.uploads.locks,
    lockDrainTimeout: DRAIN_MS,
    maxSize: house.config.UPLOAD_MAX_BYTES,
    getFileIdFromRequest: () => uploadId,
    namingFunction: () => makeUploadId(house.clock(), house.random(UPLOAD_ID_BYTES)),
    onIncomingRequest: () => requireRoomFor(Number(request.get('content-length') ?? 0), house),
    onUploadCreate: async (_request, upload) => {
      await checkNew(upload, call.tenant, house);
      created = upload.id;
      return {};
    },
    onUploadFinish: async (_request, { id }) => {
      await finishUpload(house, id, signal);
      return {};
    },
    onResponseError: (_request, error) => {
      failure = error;
      return undefined;
    },
  });
  const answer = await server.handleWeb(asWebRequest(request));
  // What was not read is drained: closing now would throw away the answer before the client has read it.
  if (!request.complete) request.resume();
  if (answer.status < 400) return answer;
  // Nobody was told the name of an upload whose creation failed.
  if (created !== undefined) await house.uploads.shelf.remove(created);
  throw failure instanceof DarkroomError ? failure : problemOf(answer.status, await answer.text(), failure);
}

async function checkNew({ size = 0, metadata = {} }: Upload, tenant: string, house: House): Promise<void> {
  if (size === 0) throw new DarkroomError('empty_file');
  if (!house.uploads.waiting.hasRoomFor(tenant)) {
    throw new DarkroomError('uploads_busy', 'Too many of your uploads are waiting for a batch to take them.');
  }
  const characters = Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0);
  if (characters > METADATA_CHARACTERS) {
    throw new DarkroomError('invalid_request', `Upload-Metadata may have ${METADATA_CHARACTERS} characters at most.`);
  }
  await requireRoomFor(size, house);
}

/** The library takes requests of the web; their body is pulled when it is wanted, and the connection outlives it. */
function asWebRequest(request: ExpressRequest): Request {
  const headers = new Headers();
  for (const name of ASKED) {
    const value = request.get(name);
    if (value !== undefined) headers.set(name, value);
  }
  const { method } = request;
  const init = { method, headers };
  const url = `http://localhost${request.path}`;
  if (method !== 'POST' && method !== 'PATCH') return new Request(url, init);
  let chunks: AsyncIterator<Buffer> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
  return new Request(url, { ...init, body, duplex: 'half' });
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  404: 'not_found',
  409: 'upload_conflict',
  410: 'upload_expired',
  412: 'tus_version',
  413: 'file_too_large',
  500: 'internal',
};

/** What the library itself found wrong, in its own words where it is the request. */
function problemOf(status: number, sentence: string, cause: unknown): DarkroomError {
  const code = CODES[status] ?? 'invalid_request';
  const words = code === 'invalid_request' ? `${sentence.trim().replace(/\.?$/, '')}.` : undefined;
  return new DarkroomError(code, words, { cause });
}
