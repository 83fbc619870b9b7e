import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { z } from 'zod';
import type { BatchService } from '../../../src/batches/batch-service.ts';
import { createApp } from '../../../src/api/app.ts';
import { letGo, openHouse, type House } from '../../../src/api/house.ts';
import { listen } from '../../../src/api/server.ts';
import { parseConfig } from '../../../src/contracts/config.ts';
import { ERRORS, type ErrorCode } from '../../../src/contracts/errors.ts';
import { problemSchema, type Problem } from '../../../src/contracts/http.ts';
import { openGuard } from '../../../src/outgoing/guard.ts';
import { openBuckets } from '../../../src/storage/buckets.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { Journal } from '../../../src/storage/journal.ts';
import type { TemporalProbe } from '../../../src/temporal/probe.ts';
import { StandInService } from './stand-in-service.ts';

/** The API on a port of its own, over a real store and journal in a temporary directory. */
export interface RunningApi<Service extends BatchService = StandInService> {
  readonly url: string;
  readonly port: number;
  readonly house: House;
  readonly service: Service;
  /** Temporary; the store lies in it. */
  readonly root: string;
  readonly store: FileStore;
  readonly journal: Journal;
  /** Everything the log said, one object a line. */
  readonly logged: () => Record<string, unknown>[];
  /** Paths of all files in the store, temporary ones included. */
  files(): Promise<string[]>;
  /** Stops the server; what it stored stays. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** What a Temporal server in order says of itself. */
const WELL: TemporalProbe = {
  describe: () => Promise.resolve({ version: '1.32.0', retentionHours: 720 }),
  missingSearchAttributes: () => Promise.resolve([]),
  idleQueues: () => Promise.resolve([]),
};

export const PAGE = '<!doctype html><title>Darkroom</title>';

export const startApi = (
  settings: Record<string, string> = {},
  sourceRoots: readonly string[] = [],
): Promise<RunningApi> => startApiOver((store, journal) => new StandInService(store, journal), settings, sourceRoots);

export async function startApiOver<Service extends BatchService>(
  makeService: (store: FileStore, journal: Journal) => Service,
  settings: Record<string, string>,
  sourceRoots: readonly string[],
  temporal: Partial<TemporalProbe> = {},
): Promise<RunningApi<Service>> {
  const root = await mkdtemp(join(tmpdir(), 'darkroom-api-'));
  const webDir = join(root, 'web');
  await mkdir(join(webDir, 'assets'), { recursive: true });
  await writeFile(join(webDir, 'index.html'), PAGE);
  await writeFile(join(webDir, 'assets/index-abc123.js'), 'export {};');
  const store = await FileStore.open(join(root, 'store'), randomUUID);
  const journal = new Journal(store);
  const service = makeService(store, journal);
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const config = parseConfig({ PORT: '0', SHUTDOWN_GRACE_MS: '500', ...settings });
  const house = openHouse({
    config,
    service,
    store,
    journal,
    temporal: { ...WELL, ...temporal },
    logger,
    webDir,
    uploadsDir: join(root, 'uploads'),
    keysFileNamed: 'KEYS_FILE' in settings,
    outgoing: openGuard(config),
    buckets: openBuckets(config),
    sourceRoots,
    version: '1.2.3',
    clock: Date.now,
    random: randomBytes,
  });
  const server = await listen(createApp(house), config, () => letGo(house));
  let stopped: Promise<void> | undefined;
  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    house,
    service,
    root,
    store,
    journal,
    logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    files: () => filesBelow(join(root, 'store')),
    stop: () => (stopped ??= server.close()),
    async close() {
      await (stopped ??= server.close());
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function filesBelow(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

export const form = (field: string, ...files: (readonly [content: Uint8Array, name: string])[]): FormData => {
  const data = new FormData();
  for (const [content, name] of files) data.append(field, new Blob([new Uint8Array(content)]), name);
  return data;
};

export const post = (url: string, body: FormData, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body, ...init });

/** The JSON of an answer, which must be 200 and of the documented shape, with no field that is not documented. */
export async function answered<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const value = schema.parse(JSON.parse(text));
  expect(value).toEqual(JSON.parse(text));
  return value;
}

/** An error of the table, complete, with nothing of our insides in it. */
export async function refused(response: Response, code: ErrorCode): Promise<Problem> {
  const text = await response.text();
  const problem = problemSchema.parse(JSON.parse(text));
  expect(problem, text).toMatchObject({ code, status: ERRORS[code].status });
  expect(response.status).toBe(ERRORS[code].status);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.headers.get('x-trace-id')).toBe(problem.traceId);
  expect(problem.detail).toMatch(/^\S.*[.)]$/s);
  expect(text).not.toMatch(/node_modules|\/tmp\/|\.ts:|\bat [A-Za-z.]+ \(/);
  return problem;
}

export const eventually = async (check: () => Promise<void> | void): Promise<void> => {
  await expect
    .poll(
      async () => {
        try {
          await check();
          return 'as expected';
        } catch (error) {
          return String(error);
        }
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBe('as expected');
};
