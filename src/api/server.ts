import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { Config } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { serveConnections } from './connections.ts';
import { isLoopback } from './loopback.ts';
import { refuseMalformed } from './malformed-requests.ts';

export interface ListeningServer {
  /** Where it really listens: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Stops accepting, lets requests under way finish for `SHUTDOWN_GRACE_MS`, then cuts them. */
  close(): Promise<void>;
}

/** Headers come at once or not at all; bodies have their own watch, since a large upload takes what it takes. */
const HEADERS_TIMEOUT_MS = 30_000;
/** A connection that sends nothing, or headers drop by drop, is found after a quarter of its time more. */
const LOOKS = 4;

const SWEEP_MS = 50;

/**
 * Listens on HOST and PORT. `onStopping` lets go what would hold a connection for long.
 * @throws DarkroomError `invalid_request` for an address other machines can reach when there are no API keys, `port_taken`
 *   when another program listens there.
 */
export async function listen(
  app: RequestListener,
  config: Config,
  onStopping: () => void = () => undefined,
  hasKeys: boolean = config.API_KEYS.length > 0,
): Promise<ListeningServer> {
  requireKeysForTheWorld(config, hasKeys);
  const headersTimeout = Math.min(HEADERS_TIMEOUT_MS, config.UPLOAD_IDLE_TIMEOUT_MS);
  const connectionsCheckingInterval = headersTimeout / LOOKS;
  const server = createServer({ headersTimeout, connectionsCheckingInterval, requestTimeout: 0 });
  let stopping = false;
  server.on('request', (_request, response) => {
    if (stopping) response.setHeader('Connection', 'close');
  });
  // An event stream that has nothing to tell says so twice in this time.
  serveConnections(server, app, Math.max(config.DOWNLOAD_IDLE_TIMEOUT_MS, 2 * config.EVENT_HEARTBEAT_MS));
  server.on('clientError', refuseMalformed);
  server.listen(config.PORT, config.HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, config);
  }
  return {
    url: urlOf(server.address(), config.HOST),
    async close() {
      stopping = true;
      onStopping();
      const closed = once(server, 'close');
      server.close();
      const cut = setTimeout(() => server.closeAllConnections(), config.SHUTDOWN_GRACE_MS);
      // A request that was answered meanwhile leaves its connection open for another.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      await closed;
      clearTimeout(cut);
      clearInterval(sweep);
    },
  };
}

function requireKeysForTheWorld({ HOST }: Config, hasKeys: boolean): void {
  if (hasKeys || isLoopback(HOST)) return;
  throw new DarkroomError(
    'invalid_request',
    `HOST is ${HOST}, which other machines can reach, but API_KEYS is empty: make a key (darkroom keys create), or listen on 127.0.0.1.`,
  );
}

function listenError(error: unknown, { HOST, PORT }: Config): DarkroomError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new DarkroomError('port_taken', `Port ${PORT} is in use by another program; set PORT to a free one.`, {
      cause: error,
    });
  }
  return new DarkroomError('invalid_request', `The API cannot listen on ${HOST}:${PORT} (${String(code)}).`, {
    cause: error,
  });
}

function urlOf(address: ReturnType<ReturnType<typeof createServer>['address']>, host: string): string {
  if (typeof address !== 'object' || address === null) throw new TypeError('Expected a server that listens on a port');
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}
