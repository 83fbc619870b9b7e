import { ApplicationFailure } from '@temporalio/common';
import { asDarkroomError, type ErrorCode } from '../contracts/errors.ts';

/** Faults that may lie with the photo after all: tried again so often, then counted against it. */
const FAULTS_UNTIL_GIVING_UP: Partial<Record<ErrorCode, number>> = {
  engine_crashed: 4,
  engine_hung: 2,
  internal: 5,
  address_unreachable: 3,
};

/** True for faults that some photos cause every time, and others suffer once through no fault of their own. */
export const isEngineFault = (error: unknown): boolean => asDarkroomError(error).code in FAULTS_UNTIL_GIVING_UP;

/**
 * An error in Temporal's terms: the type is the code of the error table, and what no retry can mend is marked so.
 * `faults` counts the faults of engine or address met with this photo so far; storage faults are waited out for ever.
 */
export function asFailure(error: unknown, options: { attempt?: number; faults?: number } = {}): ApplicationFailure {
  const known = asDarkroomError(error);
  const limit = FAULTS_UNTIL_GIVING_UP[known.code];
  const gaveUp = limit !== undefined && (options.faults ?? 0) >= limit;
  return ApplicationFailure.create({
    message: known.message,
    type: known.code,
    nonRetryable: gaveUp || !known.definition.retryable,
    details: [options.attempt ?? 1],
    cause: known,
  });
}

/** Runs the body of an activity so that whatever it throws leaves as a typed failure; one that it made itself stays as it is. */
export async function withTypedFailures<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ApplicationFailure ? error : asFailure(error);
  }
}
