import type { RequestHandler, Response } from 'express';
import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { contextOf } from '../request-context.ts';

interface Window {
  /** Epoch milliseconds at which it ends. */
  readonly endsAt: number;
  used: number;
}

/** So much in so long for each tenant; counted in the memory of this process. */
export class Allowance {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #clock: () => number;
  readonly #windows = new Map<string, Window>();

  /** @param most - 0: no limit. */
  constructor(most: number, windowMs: number, clock: () => number) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  get isLimited(): boolean {
    return this.#most > 0;
  }

  /** Takes `amount` of what a tenant has left; what is more than that is not taken. */
  take(tenant: string, amount: number): { taken: boolean; left: number; seconds: number } {
    const now = this.#clock();
    const window = this.#windowOf(tenant, now);
    const taken = window.used + amount <= this.#most;
    if (taken) window.used += amount;
    return { taken, left: this.#most - window.used, seconds: Math.max(1, Math.ceil((window.endsAt - now) / 1000)) };
  }

  /** Counts what nobody could know before. */
  charge(tenant: string, amount: number): void {
    const window = this.#windowOf(tenant, this.#clock());
    window.used = Math.min(this.#most, window.used + amount);
  }

  #windowOf(tenant: string, now: number): Window {
    const known = this.#windows.get(tenant);
    if (known && known.endsAt > now) return known;
    const window = { endsAt: now + this.#windowMs, used: 0 };
    this.#windows.set(tenant, window);
    return window;
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Requests a minute and bytes sent an hour, by tenant. Every answer says what is left (`RateLimit`, draft 8 of the IETF's
 * RateLimit headers); what is beyond gets 429 and when to come again, before its body is read.
 */
export function limitTenants(
  { TENANT_REQUESTS_PER_MINUTE, TENANT_BYTES_PER_HOUR }: Config,
  clock: () => number,
): RequestHandler {
  const requests = new Allowance(TENANT_REQUESTS_PER_MINUTE, MINUTE_MS, clock);
  const bytes = new Allowance(TENANT_BYTES_PER_HOUR, HOUR_MS, clock);
  return (request, response, next) => {
    const { tenant } = contextOf(request);
    if (requests.isLimited) {
      const state = requests.take(tenant, 1);
      response.set('RateLimit-Policy', `"requests";q=${TENANT_REQUESTS_PER_MINUTE};w=60`);
      response.set('RateLimit', `"requests";r=${state.left};t=${state.seconds}`);
      if (!state.taken) throw tooMuch(response, state.seconds, `${TENANT_REQUESTS_PER_MINUTE} requests a minute`);
    }
    if (bytes.isLimited) {
      const announced = Number(request.get('content-length') ?? 0);
      const state = bytes.take(tenant, announced);
      if (!state.taken) throw tooMuch(response, state.seconds, `${TENANT_BYTES_PER_HOUR} bytes an hour`);
      if (request.headers['transfer-encoding'] !== undefined) {
        const { socket } = request;
        const before = socket.bytesRead;
        response.once('close', () => bytes.charge(tenant, socket.bytesRead - before));
      }
    }
    next();
  };
}

function tooMuch(response: Response, seconds: number, what: string): DarkroomError {
  response.set('Retry-After', String(seconds));
  return new DarkroomError('rate_limited', `You may send ${what}: come again in ${seconds} seconds.`);
}
