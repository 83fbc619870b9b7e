import { createServer, type RequestListener, type Server } from 'node:http';
import { OutgoingGuard } from '../../src/outgoing/guard.ts';
import type { Resolve } from '../../src/outgoing/resolve.ts';

export interface LocalServer {
  readonly port: number;
  /** Connections there were, by the address they came to. */
  readonly connections: string[];
  /** Paths that were asked for, with the method. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** A real server on every address of this machine; it counts connections, not only requests. */
export async function serve(listener: RequestListener): Promise<LocalServer> {
  const connections: string[] = [];
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  server.on('connection', (socket) => connections.push((socket.localAddress ?? '').replace('::ffff:', '')));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    connections,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers of a name server that the test writes: each name gives its answers in turn, the last one for ever. */
export function nameServer(answers: Record<string, readonly (readonly string[])[]>): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (name) => {
    const before = asked.filter((known) => known === name).length;
    asked.push(name);
    const turns = answers[name] ?? [[]];
    return Promise.resolve(turns[Math.min(before, turns.length - 1)] ?? []);
  };
  return Object.assign(resolve, { asked });
}

export const makeGuard = (
  options: { hosts?: string[]; ranges?: string[]; names?: Record<string, readonly (readonly string[])[]> } = {},
): OutgoingGuard =>
  new OutgoingGuard({
    hosts: options.hosts ?? [],
    ranges: options.ranges ?? [],
    resolve: nameServer(options.names ?? {}),
  });
