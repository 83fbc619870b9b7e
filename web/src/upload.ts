/** A form on its way to the server. `fetch` tells nothing about how much has been sent; XMLHttpRequest does. */

export interface UploadWatch {
  signal: AbortSignal;
  /** Share of the bytes that have left, 0..1. */
  onProgress(share: number): void;
}

/** @returns status and body of the answer; rejects when there is none, or with the signal's reason. */
export function postForm(path: string, form: FormData, watch: UploadWatch): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const settle = (finish: () => void) => (): void => {
      watch.signal.removeEventListener('abort', abort);
      finish();
    };
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total > 0) watch.onProgress(event.loaded / event.total);
    });
    request.addEventListener(
      'load',
      settle(() => resolve({ status: request.status, text: request.responseText })),
    );
    request.addEventListener(
      'error',
      settle(() => reject(new Error('The connection broke off.'))),
    );
    request.addEventListener(
      'abort',
      settle(() => reject(new Error('The upload was stopped.'))),
    );
    watch.signal.addEventListener('abort', abort);
    request.open('POST', path);
    request.setRequestHeader('Accept', 'application/json');
    request.send(form);
  });
}
