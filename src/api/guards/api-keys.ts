import type { Request, RequestHandler } from 'express';
import type { Scope } from '../../contracts/api-keys.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { SESSION_COOKIE } from '../../contracts/http-sessions.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { ANONYMOUS, contextOf } from '../request-context.ts';

/**
 * Demands a key that may do what the route is for, and names the caller's tenant after it. Where there are no keys everybody
 * is the same anonymous tenant, on this machine alone (`server.ts`, `guardHost`).
 */
export const requireKey =
  (keys: KeyRing, scope: Scope): RequestHandler =>
  async (request, _response, next) => {
    await keys.refresh();
    const context = contextOf(request);
    if (keys.required) {
      const bearer = keys.find(keyOf(request) ?? '');
      if (!bearer) throw new DarkroomError('unauthorized');
      if (!bearer.scopes.has(scope)) {
        throw new DarkroomError('forbidden_scope', `This key may not do that: it needs the scope "${scope}".`);
      }
      context.tenant = bearer.tenant;
    } else {
      context.tenant = ANONYMOUS;
    }
    next();
  };

/** The key that comes with a request, in any of the ways it may. */
export const keyOf = (request: Request): string | undefined =>
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
