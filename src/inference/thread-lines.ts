import { constants, getPriority } from 'node:os';
import type { NetworkAnswer, Request, SessionRequest } from './network-requests.ts';
import { ThreadLine } from './thread-line.ts';

/** Each takes the memory of a session and its largest tile. */
const LINES_AT_MOST = 4;

/** Leaves it a quarter of what others get where all are busy; at 10, a tenth, photos would stand still on a machine that others fill. */
const NICER_BY = 5;

type RunRequest = Extract<Request, { kind: 'run' }>;
type AnyRequest = Exclude<Request, { kind: 'close' }>;

/**
 * The threads that own the runtime. The first has all cores for a tile. For photos of many tiles each of them, the first too, has a part
 * of the cores and runs tiles of its own: the cores of one tile wait for each other after every layer, those of several do not.
 */
export class ThreadLines {
  /** Tiles that run side by side. */
  readonly count: number;
  readonly #cores: number;
  readonly #start: () => ThreadLine;
  /** The others are started when they are first of use. */
  readonly #lines: ThreadLine[];
  /** Requests that are with each. */
  readonly #underWay: number[];
  readonly #waiting: (() => void)[] = [];

  /**
   * @param cores - for all of them together.
   * @param onCrash - one of the threads is gone, and with it the engine's use.
   */
  constructor(cores: number, onCrash: (error: unknown) => void) {
    this.count = Math.min(LINES_AT_MOST, cores);
    this.#cores = cores;
    // Read once: outside Linux a thread that gives way has the whole process do so.
    const niceness = Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER_BY);
    this.#start = () => new ThreadLine({ niceness }, onCrash);
    this.#lines = [this.#start()];
    this.#underWay = Array.from({ length: this.count }, () => 0);
  }

  /** Whether none of them has anything to do. */
  get isIdle(): boolean {
    return this.#underWay.every((requests) => requests === 0);
  }

  async untilIdle(): Promise<void> {
    while (!this.isIdle) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** On all cores; a tile in the session that was opened. Failures are those of {@link ThreadLine.ask}. */
  ask(request: AnyRequest): Promise<NetworkAnswer> {
    return this.#counted(0, request);
  }

  /** Closes a session, and those for parts of the cores that were opened of the same graph. */
  async close(key: string): Promise<void> {
    await Promise.all([
      this.#line(0).ask({ kind: 'close', key }),
      ...this.#lines.map((line) => line.ask({ kind: 'close', key: keyOfPart(key) })),
    ]);
  }

  /**
   * Runs a tile on the line with the least to do, in a session for its part of the cores, which is opened with its first tile.
   * @param session - of all cores.
   * @returns a tile whose time is that of the device, of which this line is a part.
   */
  async runBeside(request: RunRequest, session: SessionRequest): Promise<NetworkAnswer> {
    const line = this.#underWay.indexOf(Math.min(...this.#underWay));
    const threads = this.#threadsOf(line);
    const key = keyOfPart(request.key);
    const part = { ...session, graph: { ...session.graph, key }, threads };
    const answer = await this.#counted(line, { ...request, key, session: part });
    const { tile } = answer;
    return tile === undefined ? answer : { ...answer, tile: { ...tile, ms: (tile.ms * threads) / this.#cores } };
  }

  async #counted(line: number, request: AnyRequest): Promise<NetworkAnswer> {
    this.#underWay[line] = (this.#underWay[line] ?? 0) + 1;
    try {
      return await this.#line(line).ask(request);
    } finally {
      this.#underWay[line] = (this.#underWay[line] ?? 1) - 1;
      if (this.isIdle) for (const goOn of this.#waiting.splice(0)) goOn();
    }
  }

  #line(at: number): ThreadLine {
    return (this.#lines[at] ??= this.#start());
  }

  /** The cores shared out evenly, the first lines having those that are over. */
  #threadsOf(line: number): number {
    return Math.floor(this.#cores / this.count) + (line < this.#cores % this.count ? 1 : 0);
  }
}

const keyOfPart = (key: string): string => `${key} on a part of the cores`;
