import type { ErrorDefinition } from './errors/definition.ts';
import { MACHINERY_ERRORS } from './errors/machinery.ts';
import { PHOTO_ERRORS } from './errors/photos.ts';
import { REQUEST_ERRORS } from './errors/requests.ts';

/**
 * The one table of everything that can go wrong: code → HTTP status, title, whether trying again can help, and a hint; by
 * subject in `errors/`. It feeds the API's problem documents, the workflows' retry policy, the journal and `docs/errors.md`.
 */
export const ERRORS = { ...REQUEST_ERRORS, ...PHOTO_ERRORS, ...MACHINERY_ERRORS } as const satisfies Record<
  string,
  ErrorDefinition
>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/**
 * Any failure Darkroom knows by name. `message` is a sentence for the person who sent the photo: no paths, no stack.
 * The cause, for the log, travels in `cause`.
 */
export class DarkroomError extends Error {
  override readonly name = 'DarkroomError';
  readonly code: ErrorCode;
  /** Named faults of single fields, as RFC 9457 extension. */
  readonly fields: readonly FieldFault[];

  constructor(code: ErrorCode, message?: string, options: { cause?: unknown; fields?: readonly FieldFault[] } = {}) {
    super(message ?? `${ERRORS[code].title}.`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
  }

  get definition(): ErrorDefinition {
    return ERRORS[this.code];
  }
}

export interface FieldFault {
  /** JSON pointer or field name. */
  readonly pointer: string;
  readonly detail: string;
}

/** The codes that no retry can mend, for the activities' retry policy. */
export const NON_RETRYABLE_CODES: ErrorCode[] = Object.entries(ERRORS)
  .filter(([, definition]) => !definition.retryable)
  .map(([code]) => code)
  .filter(isErrorCode);

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT']);
const DISK_BROKEN = new Set(['EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT']);

/** Whether there is nothing by that name. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** For reading an original: one that is gone stays so, a disk that does not answer may again. */
export const asSourceFault = (thrown: unknown): DarkroomError =>
  isAbsent(thrown) ? new DarkroomError('source_missing', undefined, { cause: thrown }) : asDarkroomError(thrown);

/** Turns whatever was thrown into a {@link DarkroomError}; system errors of the disk get their own codes. */
export function asDarkroomError(thrown: unknown): DarkroomError {
  if (thrown instanceof DarkroomError) return thrown;
  const systemCode = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (DISK_FULL.has(systemCode)) return new DarkroomError('storage_full', undefined, { cause: thrown });
  if (DISK_BROKEN.has(systemCode)) return new DarkroomError('storage_unavailable', undefined, { cause: thrown });
  return new DarkroomError('internal', undefined, { cause: thrown });
}
