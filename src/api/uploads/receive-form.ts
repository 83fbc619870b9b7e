import type { Request, Response } from 'express';
import multer, { type StorageEngine } from 'multer';
import { DarkroomError } from '../../contracts/errors.ts';
import type { Store } from '../../storage/store.ts';
import { asError, asFormError, tooLarge, unexpectedField, type FormLimits } from './form-errors.ts';
import { photoName } from './photo-name.ts';

/** A file of a form, whole in the store. */
export interface ReceivedFile {
  readonly index: number;
  readonly name: string;
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ReceivedForm {
  readonly files: readonly ReceivedFile[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What two forms have in common when they ask for the same. */
export const contentOf = ({ files, fields }: ReceivedForm): object => ({
  fields,
  files: files.map(({ name, sha256 }) => [name, sha256]),
});

/** There are six settings; a few more may be wrong before the form is taken for an attack. */
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 1024;
const MAX_FIELD_NAME_BYTES = 100;

/**
 * Streams a multipart form into the store, each photo under the key that its place in the form has; no photo is ever in memory whole. When this rejects,
 * no write is under way any more, and files that had arrived are still there for the caller to remove.
 * @throws DarkroomError `malformed_multipart`, `too_many_files`, `too_many_parts`, `file_too_large`, and what the store throws;
 *   the reason of the signal when the client left, also when it had left before.
 */
export async function receiveForm(
  request: Request,
  response: Response,
  store: Store,
  keyOf: (index: number) => string,
  limits: FormLimits,
  signal: AbortSignal,
): Promise<ReceivedForm> {
  if (!request.is('multipart/form-data')) {
    throw new DarkroomError(
      'malformed_multipart',
      `Send multipart/form-data with the photo in field "${limits.field}".`,
    );
  }
  requireClient(request, signal);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const writes: Promise<ReceivedFile>[] = [];
  const storage = storageInto(store, writes, keyOf, limits, either);
  try {
    await runMulter(request, response, storage, limits, signal);
    signal.throwIfAborted();
    return { files: await Promise.all(writes), fields: { ...(request.body as Record<string, unknown>) } };
  } catch (error) {
    failed.abort(error);
    const settled = await Promise.allSettled(writes);
    throw asFormError(storeFault(settled) ?? error, limits);
  }
}

/** A request whose client left before its body is read has no event left to tell: the parser would wait for ever. */
function requireClient(request: Request, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (request.destroyed) throw new DarkroomError('malformed_multipart', 'The form broke off before it was read.');
}

/** A write that fails leaves its part unread, and the parser may complain of that before the reason is known. */
const storeFault = (settled: readonly PromiseSettledResult<unknown>[]): DarkroomError | undefined =>
  settled
    .flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    .find((reason) => reason instanceof DarkroomError);

/** multer's end of a file: each part becomes an object of the store while it comes in. */
function storageInto(
  store: Store,
  writes: Promise<ReceivedFile>[],
  keyOf: (index: number) => string,
  limits: FormLimits,
  signal: AbortSignal,
): StorageEngine {
  return {
    _handleFile(_request, file, done) {
      if (signal.aborted) return done(asError(signal.reason));
      const index = writes.length;
      const key = keyOf(index);
      const writing = store.write(key, wholeFile(file.stream, limits), { signal }).then((written) => ({
        index,
        key,
        name: photoName(file.originalname),
        bytes: written?.bytes ?? 0,
        sha256: written?.sha256 ?? '',
      }));
      writes.push(writing);
      void reportTo(done, writing);
    },
    // Files of a failed form are removed together, by batch, when no write is under way any more.
    _removeFile: (_request, _file, done) => done(null),
  };
}

async function reportTo(done: (error?: unknown, info?: object) => void, writing: Promise<unknown>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    done(error);
    return;
  }
  done(null, {});
}

/** A file that was cut at the limit must not become an object, not even for a moment. */
async function* wholeFile(stream: NodeJS.ReadableStream, limits: FormLimits): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield chunk as Buffer;
  if ('truncated' in stream && stream.truncated === true) throw tooLarge(limits);
}

function runMulter(
  request: Request,
  response: Response,
  storage: StorageEngine,
  limits: FormLimits,
  signal: AbortSignal,
): Promise<void> {
  const read = multer({
    storage,
    defParamCharset: 'utf8',
    preservePath: true, // else a file named `..` would be skipped; `photoName` takes what is behind the last slash
    limits: {
      files: limits.maxFiles,
      fileSize: limits.maxFileBytes,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      fieldNameSize: MAX_FIELD_NAME_BYTES,
      fieldNestingDepth: 0,
      parts: limits.maxFiles + MAX_FIELDS,
      headerPairs: 32,
    },
    fileFilter: (_request, file, accept) => {
      if (file.fieldname === limits.field) accept(null, true);
      else accept(unexpectedField(file.fieldname, limits));
    },
  }).any();
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true });
    void read(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(asError(error))));
  });
}
