import type { Request } from 'express';
import { DarkroomError } from '../../contracts/errors.ts';

/** Conditional and partial requests, RFC 9110 sections 13 and 14. */

export interface ByteRange {
  /** Both inclusive. */
  readonly start: number;
  readonly end: number;
}

export interface Representation {
  /** Strong, with its quotes: another one means other bytes. */
  readonly etag: string;
  readonly bytes: number;
  /** Epoch milliseconds; undefined for what dates say nothing of, so that conditions that name one are not met. */
  readonly modifiedAt?: number | undefined;
}

export type Wanted = { readonly status: 304 } | { readonly status: 200 } | ({ readonly status: 206 } & ByteRange);

/** Thrown with the length that a client must know to ask better. */
export class RangeError416 extends DarkroomError {
  readonly bytes: number;

  constructor(bytes: number) {
    super('range_not_satisfiable');
    this.bytes = bytes;
  }
}

/**
 * What a client wants of a file.
 * @param bareRanges whether a range is honoured of a client that does not say which version it has the rest of
 * @throws DarkroomError `precondition_failed`, `range_not_satisfiable`.
 */
export function whatIsWanted(request: Request, file: Representation, bareRanges = true): Wanted {
  checkPreconditions(request, file);
  if (isKnown(request, file)) return { status: 304 };
  const range = rangeOf(request, file, bareRanges);
  return range ? { status: 206, ...range } : { status: 200 };
}

function checkPreconditions(request: Request, file: Representation): void {
  const match = request.get('if-match');
  const unmodified = Date.parse(request.get('if-unmodified-since') ?? '');
  const failed =
    match === undefined
      ? wholeSecond(file) > unmodified
      : !tagsOf(match).some((tag) => tag === '*' || tag === file.etag);
  if (failed) throw new DarkroomError('precondition_failed');
}

/** Express's own `fresh` does not answer it for clients that also say `Cache-Control: no-cache`, as fetch does. */
function isKnown(request: Request, file: Representation): boolean {
  const noneMatch = request.get('if-none-match');
  if (noneMatch !== undefined)
    return tagsOf(noneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === file.etag);
  return wholeSecond(file) <= Date.parse(request.get('if-modified-since') ?? '');
}

/** Several ranges at once are answered with the whole file, as RFC 9110 allows. */
function rangeOf(request: Request, file: Representation, bareRanges: boolean): ByteRange | undefined {
  if (request.method !== 'GET') return undefined; // RFC 9110 14.2: a HEAD is answered as if it named no range
  const condition = request.get('if-range');
  if (condition === undefined ? !bareRanges : !isSame(condition, file)) return undefined;
  const asked = request.range(file.bytes);
  if (asked === -1) throw new RangeError416(file.bytes);
  if (typeof asked !== 'object' || asked.type !== 'bytes' || asked.length !== 1) return undefined;
  return asked[0];
}

const isSame = (condition: string, file: Representation): boolean =>
  condition === file.etag || Date.parse(condition) === wholeSecond(file);

const tagsOf = (list: string): string[] => list.split(',').map((tag) => tag.trim());

/** HTTP dates know no fractions. NaN, which is neither before nor after any date, when there is none. */
const wholeSecond = ({ modifiedAt = Number.NaN }: Representation): number => Math.floor(modifiedAt / 1000) * 1000;
