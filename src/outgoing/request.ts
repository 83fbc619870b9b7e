import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { DarkroomError } from '../contracts/errors.ts';
import { notAllowed, type FoundAddress, type OutgoingGuard } from './guard.ts';

export interface OutgoingRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Redirects that are followed, each checked like the first address. */
  readonly redirects: number;
  /** Bound of everything, names, redirects and the answer's body included, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface OutgoingAnswer {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  /**
   * The body, which must be read or closed.
   * @throws DarkroomError `file_too_large` as soon as more than `maxBytes` are announced or have come, `address_unreachable`.
   */
  body(maxBytes: number): AsyncGenerator<Uint8Array, void, void>;
  /** Ends the connection; safe at any time. */
  close(): void;
}

/** A connection that says nothing for this long is given up. */
const SILENCE_MS = 15_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Asks an address that somebody outside named. Nothing is connected to before its addresses were checked, and then nothing
 * but those. Proxies of the environment are not used: they would look names up again, out of our sight.
 * @throws DarkroomError `url_not_allowed`, `address_unreachable`; the reason of `signal` when that is aborted.
 */
export async function sendRequest(guard: OutgoingGuard, asked: OutgoingRequest): Promise<OutgoingAnswer> {
  const late = AbortSignal.timeout(asked.timeoutMs);
  const signal = AbortSignal.any([asked.signal, late]);
  try {
    let url = guard.checkUrl(asked.url);
    for (let left = asked.redirects; ; left -= 1) {
      const addresses = await guard.addressesOf(url, signal);
      const answer = await connect(url, addresses, asked, signal);
      const next = REDIRECTS.has(answer.statusCode ?? 0) ? answer.headers.location : undefined;
      if (next === undefined || asked.redirects === 0) return wrap(answer, url, asked.signal);
      answer.destroy();
      if (left === 0) throw notAllowed(`It leads through more than ${asked.redirects} redirects.`);
      url = follow(guard, url, next);
    }
  } catch (error) {
    throw whatHappened(error, asked.signal);
  }
}

function follow(guard: OutgoingGuard, from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw notAllowed('It leads to something that is no URL.');
  const url = guard.checkUrl(new URL(location, from).href);
  if (from.protocol === 'https:' && url.protocol === 'http:') throw notAllowed('It leads from https to http.');
  return url;
}

function connect(
  url: URL,
  addresses: readonly FoundAddress[],
  { method = 'GET', headers, body }: OutgoingRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method,
      signal,
      agent: false, // one connection, to these addresses, for this request alone
      lookup: pinnedTo(addresses),
      timeout: SILENCE_MS,
      rejectUnauthorized: true, // whatever the environment says
      headers: {
        'User-Agent': 'Darkroom',
        'Accept-Encoding': 'identity',
        ...headers,
        ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      },
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.once('timeout', () => request.destroy(new Error('silent')));
    request.end(body);
  });
}

/** Answers every question of the connection with what was checked, so that no name is looked up twice. */
const pinnedTo =
  (addresses: readonly FoundAddress[]): LookupFunction =>
  (_host, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };

function wrap(answer: IncomingMessage, url: URL, signal: AbortSignal): OutgoingAnswer {
  // Cut off before anybody reads it: whoever reads it is told by the body itself.
  answer.on('error', () => undefined);
  return {
    status: answer.statusCode ?? 0,
    url,
    headers: answer.headers,
    close: () => void answer.destroy(),
    async *body(maxBytes) {
      let bytes = 0;
      try {
        if (Number(answer.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw tooLarge(maxBytes);
          yield chunk;
        }
      } catch (error) {
        throw whatHappened(error, signal);
      } finally {
        answer.destroy();
      }
    },
  };
}

const tooLarge = (maxBytes: number): DarkroomError =>
  new DarkroomError('file_too_large', `The answer of the address has more than ${maxBytes} bytes.`);

/** Whoever stopped the request is told so; everything else is the network's. */
function whatHappened(error: unknown, stopped: AbortSignal): unknown {
  if (error instanceof DarkroomError) return error;
  if (stopped.aborted) return stopped.reason;
  const timedOut = error instanceof Error && (error.name === 'AbortError' || error.message === 'silent');
  return new DarkroomError(
    'address_unreachable',
    timedOut ? 'The address did not answer in time.' : 'The address could not be reached, or broke off.',
    { cause: error },
  );
}
