import { Upload, type DetailedError } from 'tus-js-client';
import { problemOf } from './api.ts';

/** One photo on its way, by the tus protocol: what has arrived never travels twice, over cuts and over reloads. */

/** Tried again for some ten minutes without a byte getting through; every byte that does begins anew. */
const AGAIN_AFTER_MS = [300, 1000, 2000, 4000, ...Array.from({ length: 60 }, () => 10_000)];

/** Photos up to this size travel in one request; of a larger one the server must know before its bytes can be kept over a cut. */
const ONE_GO_BYTES = 128 * 1024;

/** Answers after which the same bytes may be welcome later. */
const PASSING = new Set([0, 408, 409, 423, 429, 460]);

/** @returns the ID of the upload. Rejects with ApiProblem when the server refuses the photo, or with the signal's reason. */
export async function uploadPhoto(
  file: File,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<string> {
  signal.throwIfAborted();
  let upload: Upload | undefined;
  let stop: (() => void) | undefined;
  try {
    await new Promise<void>((finish, fail) => {
      upload = new Upload(file, {
        endpoint: '/api/v1/uploads',
        metadata: { filename: file.name },
        retryDelays: AGAIN_AFTER_MS,
        uploadDataDuringCreation: file.size <= ONE_GO_BYTES,
        removeFingerprintOnSuccess: true,
        onProgress,
        onSuccess: () => finish(),
        onError: (error) => fail(reasonOf(error)),
        // The line may come back at any time, whatever the browser thinks of it.
        onShouldRetry: (error) => PASSING.has(statusOf(error)) || statusOf(error) >= 500,
      });
      const begun = upload;
      stop = () => {
        void begun.abort();
        fail(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
      goOn(begun).catch(fail);
    });
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
  return upload?.url?.split('/').at(-1) ?? '';
}

/** From where an earlier try ended, in this visit or another. */
async function goOn(upload: Upload): Promise<void> {
  const [before] = await upload.findPreviousUploads();
  if (before !== undefined) upload.resumeFromPreviousUpload(before);
  upload.start();
}

const answerOf = (error: unknown) => (error as Partial<DetailedError>).originalResponse ?? undefined;

const statusOf = (error: unknown): number => answerOf(error)?.getStatus() ?? 0;

function reasonOf(error: unknown): unknown {
  const answer = answerOf(error);
  return answer === undefined ? error : problemOf(answer.getStatus(), answer.getBody());
}
