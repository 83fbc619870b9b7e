import type { Problem } from '../contracts/http.ts';

export interface ClientOptions {
  /** Where the API is: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** One of its API keys, where it has any. */
  readonly key?: string;
  /** Ends every call, wait and stream of this client. */
  readonly signal?: AbortSignal;
  /** Another `fetch`, for proxies and tests. */
  readonly fetch?: typeof fetch;
}

/** What the API refuses, in its own words; `problem.code` is stable, `message` is a sentence for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** `undefined` when whatever answered was not Darkroom. */
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Problem | undefined) {
    super(problem?.detail ?? `The server answered with status ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** What passes by itself: too many calls, a server that is busy, full or away. */
const PASSING = new Set([408, 429, 502, 503, 504, 507]);
const TRIES = 6;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** Where the server says how long: a limit of calls is counted by the minute. */
const LONGEST_ASKED_MS = 120_000;

/** Calls of one client: its address, its key, and patience with what passes by itself. */
export class Calls {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  /** One try. `path` may be an address that the server gave. */
  async once(path: string, init: RequestInit = {}): Promise<Response> {
    const { url, key, signal, fetch: call = fetch } = this.#options;
    const headers = new Headers(init.headers);
    if (key !== undefined) headers.set('Authorization', `Bearer ${key}`);
    return call(new URL(path, url), { ...init, headers, ...(signal ? { signal } : {}) });
  }

  /**
   * Tries again what passes by itself, as long as the server asks or a little longer each time. Only for calls that may be
   * repeated: those that change something carry an Idempotency-Key.
   * @throws ApiError for what the API refuses for good, or too often.
   */
  async ask(
    path: string,
    init: RequestInit = {},
    isFine = (status: number): boolean => status < 400,
  ): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.once(path, init).catch((error: unknown) => this.#orLater(error, tries));
      if (answer && isFine(answer.status)) return answer;
      const passes = !answer || PASSING.has(answer.status) || (await isUnderWay(answer));
      if (answer && (!passes || tries >= TRIES)) throw await refusal(answer);
      await this.pause(waitOf(answer, tries));
    }
  }

  /** The same for an answer that is JSON; one that breaks off is asked for again. */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const text = await (await this.ask(path, init)).text().catch((error: unknown) => this.#orLater(error, tries));
      if (text !== undefined) return JSON.parse(text) as T;
      await this.pause(waitOf(undefined, tries));
    }
  }

  /** Sends JSON under a key of its own: however often it has to be sent, it is done once. */
  send<T>(method: 'POST' | 'PATCH', path: string, body: unknown, key: string = crypto.randomUUID()): Promise<T> {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
    return this.json<T>(path, { method, headers, body: JSON.stringify(body) });
  }

  async pause(ms: number): Promise<void> {
    const { signal } = this;
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
    });
    signal?.throwIfAborted();
  }

  /** A connection that failed is tried again; one that this client gave up is not. */
  #orLater(error: unknown, tries: number): undefined {
    this.signal?.throwIfAborted();
    if (tries >= TRIES) throw error;
    return undefined;
  }
}

const waitOf = (answer: Response | undefined, tries: number): number =>
  askedWait(answer) ?? Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS);

/** Milliseconds that an answer asks to be left alone, within reason. */
export function askedWait(answer: Response | undefined): number | undefined {
  const asked = Number(answer?.headers.get('retry-after') ?? Number.NaN) * 1000;
  return Number.isFinite(asked) ? Math.min(asked, LONGEST_ASKED_MS) : undefined;
}

/** The first try under an Idempotency-Key may still be at work when the second comes. */
const isUnderWay = async (answer: Response): Promise<boolean> =>
  answer.status === 409 && (await refusal(answer.clone())).problem?.code === 'idempotency_in_progress';

export async function refusal(answer: Response): Promise<ApiError> {
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  return new ApiError(answer.status, isProblem ? ((await answer.json()) as Problem) : undefined);
}
