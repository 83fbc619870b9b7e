import type { BatchHeader } from '../../contracts/batch.ts';
import type { RecordedAnswer } from '../../storage/idempotency-records.ts';

/** What a handler knows of the `Idempotency-Key` it works under. */
export interface Once {
  /** Name of the batch that every try under this key makes; `undefined` without a key. */
  readonly batchId: string | undefined;
  /**
   * Says what is asked, once that is known: after the form was received, before anything is made of it.
   * @returns the batch that an earlier try made before it broke off: it is to be answered instead of another
   * @throws DarkroomError `idempotency_key_reused`, `idempotency_in_progress`; {@link AnsweredBefore}
   */
  recall(body: unknown): Promise<BatchHeader | undefined>;
}

/** What a route that understands `Idempotency-Key` may answer besides its own. */
export const ONCE_PROBLEMS = ['idempotency_key_reused', 'idempotency_in_progress', 'too_many_keys'] as const;

/** A request without a key: nothing was before it. */
export const WITHOUT_KEY: Once = { batchId: undefined, recall: () => Promise.resolve(undefined) };

/** Not a failure: the request was answered before, and gets that answer. */
export class AnsweredBefore extends Error {
  override readonly name = 'AnsweredBefore';
  readonly answer: RecordedAnswer;

  constructor(answer: RecordedAnswer) {
    super('The request was answered before.');
    this.answer = answer;
  }
}
