import { SCOPES } from '../../contracts/api-keys.ts';
import {
  rightsSchema,
  SESSION_COOKIE,
  sessionRequestSchema,
  sessionSchema,
  type RightsAnswer,
  type SessionAnswer,
} from '../../contracts/http-sessions.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { keyOf } from '../guards/api-keys.ts';
import { route } from '../route.ts';

const path = '/api/v1/session';
const tag = 'Server';
const FOR_SECONDS = 30 * 24 * 3600;

/** `Secure` only where the page itself came over TLS: on a plain local network the cookie would be lost otherwise. */
function cookie(value: string, seconds: number, origin: string | undefined): string {
  const secure = origin?.startsWith('https://') ? '; Secure' : '';
  return `${SESSION_COOKIE}=${encodeURIComponent(value)}; Path=/api; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

export const beginSession = route({
  method: 'post',
  path,
  tag,
  summary: 'Keep an API key in a cookie that no script can read, for the page',
  open: true,
  body: sessionRequestSchema,
  answer: sessionSchema,
  problems: ['invalid_request', 'unauthorized'],
  async handle({ body, request, response }, { keys }): Promise<SessionAnswer> {
    await keys.refresh();
    if (keys.required) {
      if (!keys.find(body.key)) throw new DarkroomError('unauthorized');
      response.append('Set-Cookie', cookie(body.key, FOR_SECONDS, request.get('origin')));
    }
    return { active: true };
  },
});

export const readSession = route({
  method: 'get',
  path,
  tag,
  summary: 'What the key of this request may do, so that a page offers nothing that would be refused',
  open: true,
  answer: rightsSchema,
  async handle({ request }, { keys }): Promise<RightsAnswer> {
    await keys.refresh();
    if (!keys.required) return { active: true, scopes: [...SCOPES] };
    const bearer = keys.find(keyOf(request) ?? '');
    return { active: bearer !== undefined, scopes: [...(bearer?.scopes ?? [])] };
  },
});

export const endSession = route({
  method: 'delete',
  path,
  tag,
  summary: 'Forget the key again',
  open: true,
  answer: sessionSchema,
  handle({ request, response }): Promise<SessionAnswer> {
    response.append('Set-Cookie', cookie('', 0, request.get('origin')));
    return Promise.resolve({ active: false });
  },
});
