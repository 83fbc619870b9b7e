import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { Claim, IdempotencyRecords, KeyPlace, RecordedAnswer } from '../../storage/idempotency-records.ts';
import { AnsweredBefore, type Once } from './once.ts';

export interface AttemptDependencies {
  readonly records: IdempotencyRecords;
  readonly header: (batchId: string) => Promise<BatchHeader | undefined>;
  readonly fingerprint: (body: unknown) => string;
  readonly clock: () => number;
}

/** How often a try says that it lives, and how long it is believed after it last did. */
const RENEW_MS = 5000;
export const LEASE_MS = 30_000;

/** One try under a key, from its claim to its answer. */
export class Attempt implements Once {
  readonly batchId: string;
  readonly #deps: AttemptDependencies;
  readonly #place: KeyPlace;
  readonly #number: number;
  readonly #claim: Claim;
  readonly #renewal: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();

  constructor(deps: AttemptDependencies, held: { place: KeyPlace; number: number; claim: Claim }) {
    this.#deps = deps;
    this.#place = held.place;
    this.#number = held.number;
    this.#claim = held.claim;
    this.batchId = held.claim.batchId;
    this.#renewal = setInterval(() => {
      this.#renewing = this.#renew();
    }, RENEW_MS);
    this.#renewal.unref();
  }

  async recall(body: unknown): Promise<BatchHeader | undefined> {
    const { records, fingerprint, header } = this.#deps;
    const mine = fingerprint(body);
    if ((await records.noteRequest(this.#place, mine)) !== mine) throw new DarkroomError('idempotency_key_reused');
    if (this.#number === 0) return undefined;
    // Given up for dead while it was only slow: whoever took over is the one that works.
    const newest = await records.find(this.#place);
    if (newest && newest.number > this.#number) throw new DarkroomError('idempotency_in_progress');
    return header(this.batchId);
  }

  async finish(answer: RecordedAnswer): Promise<void> {
    await this.#stopRenewing();
    await this.#deps.records.noteAnswer(this.#place, answer);
  }

  /** What was wrong with the request is forgotten, so that it can be corrected; what broke off may be tried again as it was. */
  async fail(error: unknown): Promise<void> {
    await this.#stopRenewing();
    const refused = error instanceof DarkroomError && error.definition.status < 500;
    const newest = await this.#deps.records.find(this.#place);
    if (newest?.number !== this.#number) return;
    if (refused && error.code !== 'idempotency_key_reused' && !(await this.#deps.header(this.batchId))) {
      await this.#deps.records.forget(this.#place);
    } else {
      await this.#deps.records.renew(this.#place, this.#number, { ...this.#claim, released: true });
    }
  }

  async #stopRenewing(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const claim = { ...this.#claim, renewedAt: this.#deps.clock() };
    // A renewal that fails is made up for by the next: the lease is several of them long.
    await this.#deps.records.renew(this.#place, this.#number, claim).catch(() => undefined);
  }
}

/** A request whose key has its answer: it only has to be the same request. */
export const answeredAttempt = (
  { records, fingerprint }: AttemptDependencies,
  place: KeyPlace,
  batchId: string,
): Once => ({
  batchId,
  async recall(body) {
    const mine = fingerprint(body);
    if ((await records.noteRequest(place, mine)) !== mine) throw new DarkroomError('idempotency_key_reused');
    const answer = await records.answer(place);
    if (!answer) throw new DarkroomError('idempotency_in_progress');
    throw new AnsweredBefore(answer);
  },
});
