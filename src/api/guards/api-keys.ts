import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { DarkroomError } from '../../contracts/errors.ts';
import { SESSION_COOKIE } from '../../contracts/http-sessions.ts';
import { ANONYMOUS, contextOf } from '../request-context.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/**
 * Demands one of the configured keys and names the caller's tenant after it. Hashes are compared, all of them and in
 * constant time, so that neither a key nor how much of it was right can be read from the time an answer takes.
 * Without configured keys everybody is the same anonymous tenant.
 */
export function requireKey(keys: readonly string[]): RequestHandler {
  const known = keys.map((key) => ({ hash: digest(key), tenant: `key-${digest(key).toString('hex').slice(0, 16)}` }));
  return (request, _response, next) => {
    const context = contextOf(request);
    if (known.length === 0) {
      context.tenant = ANONYMOUS;
    } else {
      const given = digest(keyOf(request) ?? '');
      const [match] = known.filter(({ hash }) => timingSafeEqual(hash, given));
      if (!match) throw new DarkroomError('unauthorized');
      context.tenant = match.tenant;
    }
    next();
  };
}

/** The same comparison for a key that is no header. */
export function isKnownKey(keys: readonly string[], given: string): boolean {
  const hash = digest(given);
  return keys.filter((key) => timingSafeEqual(digest(key), hash)).length > 0;
}

const keyOf = (request: Request): string | undefined =>
  /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ??
  request.get('x-api-key') ??
  keyOfSession(request.get('cookie') ?? '');

/** The page's own cookie. It is `SameSite=Strict`, and pages of other origins may change nothing (`origins.ts`). */
function keyOfSession(cookies: string): string | undefined {
  const [, value] =
    cookies
      .split(/; */)
      .map((pair) => pair.split('='))
      .find(([name]) => name === SESSION_COOKIE) ?? [];
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
