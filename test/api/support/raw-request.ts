import { connect, type Socket } from 'node:net';

/** A request written byte by byte, for what no HTTP client would send. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Sends bytes as they are and collects what comes back until the server closes or `patience` milliseconds of silence pass. */
export async function sendRaw(port: number, request: string | Buffer, patience = 3000): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  return answerOf(socket, patience);
}

export async function answerOf(socket: Socket, patience: number): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  const isWhole = (): boolean => {
    const [head = '', body = ''] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n', 2);
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    return length !== undefined && body.length >= Number(length);
  };
  await new Promise<void>((resolve) => {
    socket.setTimeout(patience, resolve);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (isWhole()) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });
  socket.destroy();
  const [headers = '', body = ''] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n', 2);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0), headers, body };
}

/** Head of a multipart POST to `path`, and of its first file part; the file itself and the end are left to the caller. */
export const uploadHead = (path: string, length: number | 'chunked', field = 'file'): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: multipart/form-data; boundary=B',
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    '',
    '',
  ].join('\r\n') + (length === 'chunked' ? '' : partHead(field));

export const partHead = (field: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${field}"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
