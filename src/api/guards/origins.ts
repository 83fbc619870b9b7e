import type { Request, RequestHandler, Response } from 'express';
import { DarkroomError } from '../../contracts/errors.ts';
import { quote } from '../check-input.ts';

/** Which pages may use this server from a browser. Programs send no `Origin` and are not concerned. */

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, X-API-Key, Idempotency-Key, Last-Event-ID, Prefer, Range, If-None-Match, If-Range, traceparent, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, X-Request-ID';
const EXPOSED_HEADERS =
  'Location, Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag, Last-Modified, RateLimit, RateLimit-Policy, Retry-After, X-Trace-Id, Idempotency-Replayed, Preference-Applied, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires';
const PREFLIGHT_SECONDS = '600';

/**
 * Adds CORS headers for listed origins, answers their preflights, and refuses requests of other pages that would change
 * something: a browser sends such a form without asking first.
 */
export function guardOrigins(listed: readonly string[]): RequestHandler {
  const isListed = (origin: string): boolean => listed.includes('*') || listed.includes(origin);
  return (request, response, next) => {
    const origin = request.get('origin');
    response.vary('Origin');
    if (origin === undefined || isSameOrigin(origin, request)) {
      next();
    } else if (isListed(origin)) {
      allow(origin, response);
      if (request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined) {
        answerPreflight(response);
      } else next();
    } else if (READING.has(request.method)) {
      next(); // without CORS headers the browser shows the page nothing
    } else {
      throw new DarkroomError('forbidden_origin', `Pages of ${quote(origin)} may not change anything on this server.`);
    }
  };
}

const isSameOrigin = (origin: string, request: Request): boolean =>
  URL.canParse(origin) && new URL(origin).host === request.get('host');

function allow(origin: string, response: Response): void {
  response.set('Access-Control-Allow-Origin', origin);
  response.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  response.set('Cross-Origin-Resource-Policy', 'cross-origin');
}

function answerPreflight(response: Response): void {
  response.set('Access-Control-Allow-Methods', ALLOWED_METHODS);
  response.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
  response.set('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  response.status(204).end();
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * A server without keys trusts everybody on this machine. A page of the internet whose name was rebound to 127.0.0.1 would
 * be same-origin and send its own name as Host: only loopback names and hosts of listed origins are answered.
 */
export function guardHost(listed: readonly string[], keys: { readonly required: boolean }): RequestHandler {
  const listedHosts = new Set(
    listed.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).hostname),
  );
  return (request, _response, next) => {
    if (keys.required) return next();
    const host = request.get('host');
    const name = host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
    if (name !== undefined && !isLoopbackName(name) && !listedHosts.has(name) && !listed.includes('*')) {
      throw new DarkroomError('forbidden_origin', `This server answers on this machine only, not as ${quote(host)}.`);
    }
    next();
  };
}

const isLoopbackName = (name: string): boolean =>
  LOOPBACK_NAMES.has(name) || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name);
