import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to a connection. Requests are told apart by the line they begin with. */
export interface Fault {
  /** Only to requests whose first line fits; all others pass. */
  readonly to?: RegExp;
  /** How many requests it strikes; without it every one. */
  readonly times?: number;
  readonly does:
    | { readonly kind: 'answer'; readonly status: string; readonly code: string }
    /** The server gets the request and carries it out; its answer never comes. */
    | { readonly kind: 'lose answer' }
    | { readonly kind: 'cut answer'; readonly afterBytes: number }
    | { readonly kind: 'cut request'; readonly afterBytes: number }
    | { readonly kind: 'silence' }
    | { readonly kind: 'slow answer'; readonly bytesPerSecond: number };
}

const SEEN_AFTER_MS = 50;
const LINE = /^(?:GET|PUT|POST|DELETE|HEAD) \S+ HTTP\/1\.1/;

/** A TCP proxy before a real server that lets it be away, slow, busy or cut off, as networks and servers are. */
export class FaultProxy {
  /** First lines of the requests that came. */
  readonly seen: string[] = [];
  #faults: { fault: Fault; left: number }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#serve(client));
  readonly #target: number;

  constructor(target: number) {
    this.#target = target;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  /** From now on these faults, and no other; connections that are open are cut, and the client has seen that. */
  async strike(...faults: Fault[]): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await sleep(SEEN_AFTER_MS);
    this.seen.length = 0;
    this.#faults = faults.map((fault) => ({ fault, left: fault.times ?? Infinity }));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    let fault: Fault['does'] | undefined;
    let sent = 0;
    let answered = 0;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (chunk) => {
      const line = LINE.exec(chunk.subarray(0, 2000).toString('latin1'))?.[0];
      if (line !== undefined) {
        [fault, sent, answered] = [this.#choose(line), 0, 0];
        if (fault?.kind === 'answer') client.write(problem(fault));
      }
      if (fault?.kind === 'answer' || fault?.kind === 'silence') return;
      sent += chunk.length;
      if (fault?.kind === 'cut request' && sent > fault.afterBytes) client.destroy();
      else server.write(chunk);
    });
    server.on('data', (chunk) => {
      answered += chunk.length;
      if (fault?.kind === 'lose answer') client.destroy();
      else if (fault?.kind === 'cut answer' && answered > fault.afterBytes) client.destroy();
      else client.write(chunk);
      if (fault?.kind !== 'slow answer') return;
      server.pause();
      setTimeout(() => server.resume(), (1000 * chunk.length) / fault.bytesPerSecond);
    });
  }

  #choose(line: string): Fault['does'] | undefined {
    this.seen.push(line);
    const found = this.#faults.find(({ fault, left }) => left > 0 && (fault.to?.test(line) ?? true));
    if (found) found.left -= 1;
    return found?.fault.does;
  }
}

function problem({ status, code }: { status: string; code: string }): string {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  const headers = ['content-type: application/xml', `content-length: ${body.length}`, 'connection: close'];
  return `HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}
