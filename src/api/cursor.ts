import { DarkroomError } from '../contracts/errors.ts';

/** A place in a list that is counted from 0; 0 without a cursor. */
export function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw foreignCursor();
}

export function foreignCursor(): DarkroomError {
  const detail = 'cursor must be a next_cursor of an earlier answer.';
  return new DarkroomError('invalid_request', detail, { fields: [{ pointer: 'cursor', detail }] });
}
