import { z } from 'zod';
import { readRecord, writeRecord } from './json-records.ts';
import type { Store } from './store.ts';

/**
 * What was asked under a client's idempotency key, who works on it, and what was answered:
 *
 *     idempotency/2026-11-22/{tenant}/{shard}/{key}/0.claim.json   who tries; 1.claim.json once the first is given up
 *                                                   request.json   fingerprint of what was asked
 *                                                   answer.json    the first answer
 *
 * Claims are put-if-absent, so of many that want to try exactly one may.
 */
const ROOT = 'idempotency';

export const claimSchema = z.object({
  /** When the key was first used, epoch milliseconds. */
  at: z.number(),
  /** Name of the batch that this key makes, whoever tries. */
  batchId: z.string(),
  host: z.string(),
  pid: z.int(),
  /** Names the life of a process: a later one may have the same pid. */
  instance: z.string(),
  /** Said again and again while it works. */
  renewedAt: z.number(),
  /** True when the try failed and another may begin at once. */
  released: z.boolean(),
});
export type Claim = z.infer<typeof claimSchema>;

const requestSchema = z.object({ fingerprint: z.string() });

const answerSchema = z.object({ location: z.string().nullable(), body: z.record(z.string(), z.unknown()) });
export type RecordedAnswer = z.infer<typeof answerSchema>;

/** Where a key of a tenant lies; both are digests in hexadecimal. */
export interface KeyPlace {
  readonly day: string;
  readonly tenant: string;
  readonly key: string;
}

/** Everything known of a key. */
export interface KeyRecord {
  readonly place: KeyPlace;
  /** Number of the newest claim. */
  readonly number: number;
  readonly claim: Claim;
  readonly answered: boolean;
}

const CLAIM_NAME = /^(\d{1,6})\.claim\.json$/;
const SHARD_DIGITS = 2;

const shardOf = ({ day, tenant, key }: KeyPlace): string => `${ROOT}/${day}/${tenant}/${key.slice(0, SHARD_DIGITS)}`;
const prefixOf = (place: KeyPlace): string => `${shardOf(place)}/${place.key}`;

export class IdempotencyRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async find(place: KeyPlace): Promise<KeyRecord | undefined> {
    const names = await this.#store.list(prefixOf(place));
    const numbers = names.map((name) => Number(CLAIM_NAME.exec(name)?.[1] ?? -1));
    const number = Math.max(-1, ...numbers);
    const claim = number < 0 ? undefined : await readRecord(this.#store, claimKey(place, number), claimSchema);
    return claim && { place, number, claim, answered: names.includes('answer.json') };
  }

  /** @returns false when another has this claim. */
  claim(place: KeyPlace, number: number, claim: Claim): Promise<boolean> {
    return writeRecord(this.#store, claimKey(place, number), claim, { onlyIfAbsent: true });
  }

  async renew(place: KeyPlace, number: number, claim: Claim): Promise<void> {
    await writeRecord(this.#store, claimKey(place, number), claim);
  }

  /** Notes what is asked, unless that is known; answers the fingerprint that counts. */
  async noteRequest(place: KeyPlace, fingerprint: string): Promise<string> {
    const key = `${prefixOf(place)}/request.json`;
    if (await writeRecord(this.#store, key, { fingerprint }, { onlyIfAbsent: true })) return fingerprint;
    return (await readRecord(this.#store, key, requestSchema))?.fingerprint ?? fingerprint;
  }

  async answer(place: KeyPlace): Promise<RecordedAnswer | undefined> {
    return readRecord(this.#store, `${prefixOf(place)}/answer.json`, answerSchema);
  }

  async noteAnswer(place: KeyPlace, answer: RecordedAnswer): Promise<void> {
    await writeRecord(this.#store, `${prefixOf(place)}/answer.json`, answer, { onlyIfAbsent: true });
  }

  async forget(place: KeyPlace): Promise<void> {
    await this.#store.removeAll(prefixOf(place));
  }

  /** Keys beside this one in its share of the tenant's keys of that day. */
  async neighbours(place: KeyPlace): Promise<number> {
    return (await this.#store.list(shardOf(place))).length;
  }

  /** Removes everything of the days before `day`. */
  async sweep(day: string): Promise<void> {
    for (const old of await this.#store.list(ROOT)) if (old < day) await this.#store.removeAll(`${ROOT}/${old}`);
  }
}

const claimKey = (place: KeyPlace, number: number): string => `${prefixOf(place)}/${number}.claim.json`;
