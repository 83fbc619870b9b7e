import { IDEMPOTENCY_KEY_LENGTH } from '../../contracts/http-requests.ts';
import type { Route } from '../route.ts';
import { WAIT_MAX_SECONDS } from '../waiting.ts';

/** How OpenAPI says what routes understand besides their own fields: asking again, waiting, following, asking whether it changed. */

type Json = Record<string, unknown>;

const header = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string', ...schema },
});

const KEY = header('Idempotency-Key', 'The same key with the same request gets the first answer again, for 24 hours.', {
  minLength: 1,
  maxLength: IDEMPOTENCY_KEY_LENGTH,
  pattern: '^[ -~]+$',
});
const PREFER = header(
  'Prefer',
  `\`wait=N\`: answer when the work has ended, or after N seconds as it is then; at most ${WAIT_MAX_SECONDS}.`,
  { examples: ['wait=30'] },
);
const IF_NONE_MATCH = header('If-None-Match', 'ETag of an earlier answer: 304 when nothing has changed.', {});
const LAST_EVENT_ID = header('Last-Event-ID', 'ID of the last event received: what came after it is sent.', {});

/** GETs of JSON behind the key: what they tell can be asked for again and again. */
export const isConditional = ({ method, open, answer }: Pick<Route, 'method' | 'open' | 'answer'>): boolean =>
  method === 'get' && !open && typeof answer !== 'string';

export const protocolHeaders = (route: Route): Json[] => [
  ...(route.once ? [KEY] : []),
  ...(route.waits ? [PREFER] : []),
  ...(route.events ? [LAST_EVENT_ID] : []),
  ...(isConditional(route) ? [IF_NONE_MATCH] : []),
];

const text = (description: string): Json => ({ description, schema: { type: 'string' } });

/** Headers of the JSON answer, and the answers without one. */
export function protocolAnswers(route: Route): { headers: Json; answers: Record<number, Json> } {
  return {
    headers: {
      ...(route.once ? { 'Idempotency-Replayed': text('`true` when this is the answer to an earlier request.') } : {}),
      ...(route.waits ? { 'Preference-Applied': text('The wait that was granted.') } : {}),
      ...(isConditional(route) ? { ETag: text('Changes when the answer does.') } : {}),
    },
    answers: isConditional(route) ? { 304: { description: 'The client has it already.' } } : {},
  };
}
