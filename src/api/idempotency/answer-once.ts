import type { BatchHeader } from '../../contracts/batch.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { Attempt } from './attempt.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { AnsweredBefore, WITHOUT_KEY, type Once } from './once.ts';

/**
 * Runs a handler under the request's `Idempotency-Key`, if it has one: the same request again gets the first answer and
 * does nothing. A JSON body is known from the start; a handler of a form recalls it when it has been received.
 */
export async function answerOnce(
  { request, response, tenant, log }: Call<unknown, unknown, unknown>,
  house: House,
  handle: (once: Once, made: BatchHeader | undefined) => Promise<object | undefined>,
): Promise<object | undefined> {
  const key = readIdempotencyKey(request.get('idempotency-key'));
  if (key === undefined) return handle(WITHOUT_KEY, undefined);
  const once = await house.repeats.begin(request, tenant, key);
  try {
    const body: unknown = request.is('multipart/form-data') ? undefined : (request.body ?? null);
    const made = body === undefined ? undefined : await once.recall(body);
    const reply = await handle(once, made);
    if (reply && once instanceof Attempt) {
      // An answer that cannot be kept is given all the same: the next try finds the batch instead.
      const answer = { location: response.get('Location') ?? null, body: { ...reply } };
      await once.finish(answer).catch((error: unknown) => log.warn({ err: error }, 'an answer could not be kept'));
    }
    return reply;
  } catch (error) {
    if (error instanceof AnsweredBefore) {
      const { location, body } = error.answer;
      if (location !== null) response.location(location);
      response.set('Idempotency-Replayed', 'true');
      return body;
    }
    if (once instanceof Attempt) {
      await once.fail(error).catch((fault: unknown) => log.warn({ err: fault }, 'a key could not be released'));
    }
    throw error;
  }
}
