import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Request } from 'express';
import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { makeBatchId } from '../../contracts/ids.ts';
import { IdempotencyRecords, type Claim, type KeyPlace, type KeyRecord } from '../../storage/idempotency-records.ts';
import type { Store } from '../../storage/store.ts';
import { isAlive } from '../../storage/temporary-names.ts';
import { answeredAttempt, Attempt, LEASE_MS, type AttemptDependencies } from './attempt.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Once } from './once.ts';

/** How long a key is remembered. */
const REMEMBERED_MS = 24 * 3_600_000;
/** Of 256 shares, by digest, that the keys of a tenant and a day have: about 65,000 keys a day. */
const KEYS_PER_SHARE = 256;
const SWEEP_EVERY_MS = 3_600_000;

interface RepeatsDependencies {
  readonly store: Store;
  readonly header: (batchId: string) => Promise<BatchHeader | undefined>;
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/** Decides under which `Idempotency-Key` work may begin; its memory is the store, shared by all servers. */
export class Repeats {
  readonly #deps: RepeatsDependencies;
  readonly #records: IdempotencyRecords;
  readonly #self: Pick<Claim, 'host' | 'pid' | 'instance'>;
  #sweptAt = 0;

  constructor(deps: RepeatsDependencies) {
    this.#deps = deps;
    this.#records = new IdempotencyRecords(deps.store);
    const instance = Buffer.from(deps.random(8)).toString('hex');
    this.#self = { host: hostname(), pid: process.pid, instance };
  }

  /**
   * Begins a try under a key, or finds the answer that was given.
   * @throws DarkroomError `idempotency_in_progress` while another try is under way, `too_many_keys`.
   */
  async begin(request: Request, tenant: string, key: string): Promise<Once | Attempt> {
    const now = this.#deps.clock();
    await this.#sweep(now);
    const place = placeOf(tenant, key, now);
    const known = await this.#find(place, now);
    const deps: AttemptDependencies = {
      records: this.#records,
      header: this.#deps.header,
      clock: this.#deps.clock,
      fingerprint: (body) => fingerprintOf(request, body),
    };
    if (known?.answered) return answeredAttempt(deps, known.place, known.claim.batchId);
    if (known && !this.#isGivenUp(known.claim, now)) throw new DarkroomError('idempotency_in_progress');
    return new Attempt(deps, known ? await this.#takeOver(known, now) : await this.#claim(place, tenant, key, now));
  }

  async #takeOver({ place, number, claim: { at, batchId } }: KeyRecord, now: number) {
    const claim: Claim = { ...this.#self, at, batchId, renewedAt: now, released: false };
    const held = { place, number: number + 1, claim };
    if (await this.#records.claim(place, held.number, claim)) return held;
    throw new DarkroomError('idempotency_in_progress');
  }

  async #claim(place: KeyPlace, tenant: string, key: string, now: number) {
    if ((await this.#records.neighbours(place)) >= KEYS_PER_SHARE) throw new DarkroomError('too_many_keys');
    const seed = digest(`${tenant}\n${key}\n${now}`);
    const batchId = makeBatchId(new Date(now), seed);
    const claim: Claim = { ...this.#self, at: now, batchId, renewedAt: now, released: false };
    if (!(await this.#records.claim(place, 0, claim))) throw new DarkroomError('idempotency_in_progress');
    // At midnight two requests may have looked on different days: both give way, and one of them comes back first.
    for (const day of [dayOf(now - REMEMBERED_MS), dayOf(now + REMEMBERED_MS)]) {
      const other = await this.#records.find({ ...place, day });
      if (!other || other.claim.at + REMEMBERED_MS <= now) continue;
      await this.#records.forget(place);
      throw new DarkroomError('idempotency_in_progress');
    }
    return { place, number: 0, claim };
  }

  /** Keys lie by day: one that is remembered was first used today or yesterday. */
  async #find(place: KeyPlace, now: number): Promise<KeyRecord | undefined> {
    const today = await this.#records.find(place);
    if (today) return today;
    const before = await this.#records.find({ ...place, day: dayOf(now - REMEMBERED_MS) });
    return before && before.claim.at + REMEMBERED_MS > now ? before : undefined;
  }

  /** Of a process of this host it can be known whether it lives; any other is believed while its lease runs. */
  #isGivenUp({ released, renewedAt, host, pid, instance }: Claim, now: number): boolean {
    if (released || now - renewedAt > LEASE_MS) return true;
    if (host !== this.#self.host || instance === this.#self.instance) return false;
    return pid === this.#self.pid || !isAlive(pid);
  }

  async #sweep(now: number): Promise<void> {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    await this.#records.sweep(dayOf(now - REMEMBERED_MS));
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const dayOf = (moment: number): string => new Date(moment).toISOString().slice(0, 10);

const TENANT_DIGITS = 16;
const KEY_DIGITS = 40;

const placeOf = (tenant: string, key: string, now: number): KeyPlace => ({
  day: dayOf(now),
  tenant: digest(tenant).toString('hex').slice(0, TENANT_DIGITS),
  key: digest(key).toString('hex').slice(0, KEY_DIGITS),
});
