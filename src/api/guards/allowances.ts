import type { Request, RequestHandler, Response } from 'express';
import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { contextOf } from '../request-context.ts';
import { cut, hasBody } from './slow-bodies.ts';

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

  /** Of what was sent and not taken nobody knows how much it is: nothing is left. */
  useUp(tenant: string): void {
    this.#windowOf(tenant, this.#clock()).used = this.#most;
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

/** After a body was refused half-way so much of the rest is thrown away, so that its sender reads why; then it is cut off. */
const DRAINED_BYTES = 1024 * 1024;

/**
 * Requests a minute and bytes sent an hour, by tenant. Every answer says what is left (`RateLimit`, draft 8 of the IETF's
 * RateLimit headers); what is beyond gets 429 and when to come again: before its body is read where its length is announced, else
 * when it has brought what was left.
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
      tellAllowance(response, 'requests', { most: TENANT_REQUESTS_PER_MINUTE, windowMs: MINUTE_MS, ...state });
      if (!state.taken) throw tooMuch(response, state.seconds, `${TENANT_REQUESTS_PER_MINUTE} requests a minute`);
    }
    if (bytes.isLimited && hasBody(request)) {
      const ofUnknownLength = request.headers['transfer-encoding'] !== undefined;
      // What has come already while the key was looked at, or all that will come.
      const known = ofUnknownLength ? request.readableLength : Number(request.get('content-length') ?? 0);
      const state = bytes.take(tenant, known);
      tellAllowance(response, 'bytes', { most: TENANT_BYTES_PER_HOUR, windowMs: HOUR_MS, ...state });
      const refusal = (): DarkroomError => {
        if (ofUnknownLength) bytes.useUp(tenant);
        return tooMuch(response, state.seconds, `${TENANT_BYTES_PER_HOUR} bytes an hour`);
      };
      if (!state.taken || (ofUnknownLength && known === 0 && state.left === 0)) throw refusal();
      if (ofUnknownLength) {
        countBody(request, (amount) => {
          const { taken } = bytes.take(tenant, amount);
          if (!taken) cut(request, response, refusal());
          return taken;
        });
      }
    }
    next();
  };
}

/**
 * Counts a body where Node hands its chunks in: whoever is to read it may not have begun, and a listener would set it flowing.
 * @param admit - asked for every chunk until it says no; from then on nobody gets any of it, nor its end.
 */
function countBody(request: Request, admit: (bytes: number) => boolean): void {
  const push = request.push.bind(request);
  let thrownAway: number | undefined;
  request.push = (chunk: Buffer | null, encoding) => {
    if (thrownAway === undefined && (chunk === null || admit(chunk.length))) return push(chunk, encoding);
    thrownAway = (thrownAway ?? 0) + (chunk?.length ?? 0);
    // At its end nothing is unread that would make the kernel throw away the answer.
    if (chunk === null || thrownAway > DRAINED_BYTES) setImmediate(() => request.destroy());
    return true;
  };
}

/** Says in the answer what a tenant has left of an allowance, beside what it says of others. */
export function tellAllowance(
  response: Response,
  name: string,
  { most, left, windowMs, seconds }: { most: number; left: number; windowMs?: number; seconds?: number },
): void {
  setMember(response, 'RateLimit-Policy', name, `q=${most}${windowMs === undefined ? '' : `;w=${windowMs / 1000}`}`);
  setMember(response, 'RateLimit', name, `r=${Math.max(0, left)}${seconds === undefined ? '' : `;t=${seconds}`}`);
}

function setMember(response: Response, header: string, name: string, parameters: string): void {
  const others = [response.getHeader(header) ?? []].flat().map(String);
  const kept = others.filter((member) => !member.startsWith(`"${name}";`));
  response.set(header, [...kept, `"${name}";${parameters}`]);
}

function tooMuch(response: Response, seconds: number, what: string): DarkroomError {
  if (!response.headersSent) response.set('Retry-After', String(seconds));
  return new DarkroomError('rate_limited', `You may send ${what}: come again in ${seconds} seconds.`);
}
