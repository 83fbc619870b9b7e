import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server of files that can be made to fail in the ways real ones do. */
export interface FileServer {
  readonly url: string;
  readonly files: Map<string, Uint8Array>;
  /** What was asked for, in order: path and, when it was there, the range. */
  readonly asked: string[];
  /** Answers that break off after so many bytes, by path, each used up by one answer. */
  readonly cutAfter: Map<string, number[]>;
  /** Answers of this path stop after so many bytes and leave the connection open. */
  readonly hangAfter: Map<string, number>;
  close(): Promise<void>;
}

export async function serveFiles(): Promise<FileServer> {
  const files = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const cutAfter = new Map<string, number[]>();
  const hangAfter = new Map<string, number>();

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '';
    const { range } = request.headers;
    asked.push(range === undefined ? path : `${path} ${range}`);
    const file = files.get(path);
    if (file === undefined) {
      response.writeHead(404).end('no such file');
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const type = path.endsWith('/') ? 'text/html' : 'application/octet-stream';
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': type,
      'content-length': file.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    });
    const cut = cutAfter.get(path)?.shift();
    const hang = hangAfter.get(path);
    // What was sent must have reached the other side's disk before the line is cut.
    if (cut !== undefined)
      response.write(file.subarray(from, from + cut), () => setTimeout(() => response.destroy(), 300));
    else if (hang !== undefined) response.write(file.subarray(from, from + hang));
    else response.end(file.subarray(from));
  };

  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    files,
    asked,
    cutAfter,
    hangAfter,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
