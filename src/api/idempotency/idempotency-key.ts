import { DarkroomError } from '../../contracts/errors.ts';
import { IDEMPOTENCY_KEY_LENGTH } from '../../contracts/http-requests.ts';

const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

/**
 * The key of a request, as the draft for `Idempotency-Key` writes it (a string in quotes) or as everybody does (without).
 * @throws DarkroomError `invalid_request` for one that is empty, too long or not plain text.
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = QUOTED.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, '$1') ?? header;
  if (/^[\x20-\x7e]+$/.test(key) && key.length <= IDEMPOTENCY_KEY_LENGTH) return key;
  const detail = `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_LENGTH} printable ASCII characters.`;
  throw new DarkroomError('invalid_request', detail, { fields: [{ pointer: 'Idempotency-Key', detail }] });
}
