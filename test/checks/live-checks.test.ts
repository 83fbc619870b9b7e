// Property: each check tells what is wrong in a sentence with a remedy, none hangs or throws, and readiness follows from them.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAtAll, type Finding } from '../../src/checks/finding.ts';
import { LIVE_CHECKS, type Surroundings } from '../../src/checks/live-checks.ts';
import { obstacleOf, watchReadiness } from '../../src/checks/readiness.ts';
import type { Vitals } from '../../src/checks/vitals.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { DarkroomError } from '../../src/contracts/errors.ts';
import type { WorkerReport } from '../../src/contracts/worker-report.ts';
import { FileStore } from '../../src/storage/file-store.ts';
import { workerKey } from '../../src/storage/keys.ts';
import type { Store } from '../../src/storage/store.ts';

const worker: WorkerReport = {
  workerId: 'w1',
  host: 'h',
  pid: 1,
  writtenAt: Date.now(),
  startedAt: 1,
  state: 'ready',
  notices: [],
  device: 'cpu',
  lanes: 1,
  activePhotos: 0,
  models: [],
  networks: [],
  totalProcessed: 0,
  avgProcessingSeconds: null,
  deviceBusy: 0,
  engineMemoryBytes: null,
  gpu: null,
};
const WELL: Vitals = { workers: [worker], queue: { backlog: 2, pollers: 1 }, storeAnswers: true };

let root: string;
let store: FileStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'darkroom-checks-'));
  store = await FileStore.open(root, randomUUID);
});
afterEach(() => rm(root, { recursive: true, force: true }));

type Changes = Partial<Omit<Surroundings, 'temporal' | 'vitals'>> & {
  temporal?: Partial<Surroundings['temporal']>;
  vitals?: Partial<Vitals>;
};

const surroundings = ({ temporal, vitals, ...others }: Changes = {}): Surroundings => ({
  config: parseConfig({}),
  store,
  vitals: () => Promise.resolve({ ...WELL, ...vitals }),
  now: Date.now,
  ...others,
  temporal: {
    describe: () => Promise.resolve({ version: '1.32.0', retentionHours: 720 }),
    missingSearchAttributes: () => Promise.resolve([]),
    idleQueues: () => Promise.resolve([]),
    ...temporal,
  },
});

/** A real store of which some methods are replaced. */
const broken = (methods: Partial<Store>): Store =>
  new Proxy<Store>(store, {
    get: (target, name) => {
      const own = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });

async function find(name: string, changes: Changes): Promise<Finding> {
  const found = (await lookAtAll(LIVE_CHECKS, surroundings(changes))).find(({ check }) => check === name);
  if (found === undefined) throw new Error(`Expected a check ${name}`);
  return found;
}

describe('the live checks', () => {
  it('find nothing where all is well, and leave nothing in the store', async () => {
    const before = await readdir(root, { recursive: true });
    const findings = await lookAtAll(LIVE_CHECKS, surroundings());
    expect(findings.map(({ check, state }) => [check, state])).toEqual(LIVE_CHECKS.map(({ name }) => [name, 'ok']));
    expect((await readdir(root, { recursive: true })).filter((name) => !before.includes(name))).toEqual(['probes']);
  });

  const full = (): Promise<never> => Promise.reject(new DarkroomError('storage_unavailable', 'The bucket is gone.'));
  it.each<[string, string, 'fault' | 'warning', RegExp, Changes]>([
    ['a store that cannot be written', 'store', 'fault', /bucket is gone/, { store: 'write' as never }],
    ['a store that lies', 'store', 'fault', /something else than was written/, { store: 'read' as never }],
    [
      'a store without room',
      'space',
      'fault',
      /MiB left/,
      { config: parseConfig({ DISK_RESERVE_BYTES: String(2 ** 49) }) },
    ],
    [
      'a clock that is ahead',
      'clock',
      'warning',
      /This host’s clock is 20 s ahead/,
      { now: () => Date.now() + 20_000 },
    ],
    ['a clock that is far behind', 'clock', 'fault', /120 s behind/, { now: () => Date.now() - 120_000 }],
    ['a Temporal server that is away', 'temporal', 'fault', /does not answer/, { vitals: { queue: undefined } }],
    [
      'a short memory',
      'namespace',
      'warning',
      /for 1 h/,
      { temporal: { describe: () => Promise.resolve({ version: '1', retentionHours: 1 }) } },
    ],
    [
      'missing search attributes',
      'search-attributes',
      'fault',
      /BatchState/,
      { temporal: { missingSearchAttributes: () => Promise.resolve(['BatchState']) } },
    ],
    [
      'a server that tells nothing',
      'search-attributes',
      'warning',
      /does not let us/,
      { temporal: { missingSearchAttributes: () => Promise.resolve(undefined) } },
    ],
    ['no worker', 'workers', 'fault', /No worker is running/, { vitals: { workers: [] } }],
    [
      'a queue without a worker',
      'task-queues',
      'fault',
      /darkroom-io/,
      { temporal: { idleQueues: () => Promise.resolve(['darkroom-io']) } },
    ],
    [
      'a server that fails',
      'task-queues',
      'fault',
      /14 UNAVAILABLE/,
      { temporal: { idleQueues: () => Promise.reject(new Error('14 UNAVAILABLE: gone')) } },
    ],
  ])('tell of %s, with a remedy', async (_what, name, state, message, changes) => {
    const bad: unknown = changes.store;
    if (bad === 'write') changes = { store: broken({ write: full }) };
    if (bad === 'read') changes = { store: broken({ read: () => Promise.resolve(Buffer.from('{}')) }) };
    const finding = await find(name, changes);
    expect(finding).toMatchObject({
      state,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(/\S.*[.)]$/),
    });
  });

  it('take a worker that has not asked for long for idle only when it has no photo under way', async () => {
    const temporal = { idleQueues: () => Promise.resolve(['darkroom-enhance']) };
    const queue = { backlog: 1, pollers: 0 };
    const withPhotos = (activePhotos: number) => ({
      temporal,
      vitals: { queue, workers: [{ ...worker, activePhotos }] },
    });
    for (const name of ['workers', 'task-queues']) {
      expect(await find(name, withPhotos(0))).toMatchObject({ state: 'fault' });
      expect(await find(name, withPhotos(1))).toMatchObject({ state: 'ok' });
    }
  });

  it('see a worker whose clock is wrong', async () => {
    const wrong = { ...worker, workerId: 'late', writtenAt: Date.now() - 30_000 };
    await store.write(workerKey('late'), Buffer.from(JSON.stringify(wrong)));
    expect(await find('clock', {})).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('worker late is 30 s behind'),
    });
  });

  it('do not take a worker that is gone for one whose clock is wrong', async () => {
    const gone = { ...worker, workerId: 'gone', writtenAt: Date.now() - 7_200_000 };
    await store.write(workerKey('gone'), Buffer.from(JSON.stringify(gone)));
    const long = new Date(Date.now() - 3_600_000);
    await utimes(join(root, workerKey('gone')), long, long);
    await store.write(workerKey('here'), Buffer.from(JSON.stringify({ ...worker, writtenAt: Date.now() })));
    expect(await find('clock', {})).toMatchObject({ state: 'ok' });
  });

  it('do not look at what needs what is broken', async () => {
    const asked: string[] = [];
    const missingSearchAttributes = async () => (asked.push('asked'), await Promise.resolve([]));
    const changes = { vitals: { queue: undefined }, temporal: { missingSearchAttributes } };
    expect(await find('search-attributes', changes)).toMatchObject({ state: 'skipped' });
    expect(asked).toEqual([]);
  });
});

describe('readiness', () => {
  it('believes what was well for ten seconds, and looks again at what was not', async () => {
    let [now, idle, asked] = [Date.now(), ['darkroom-io'], 0];
    const idleQueues = async () => ((asked += 1), await Promise.resolve(idle));
    const ask = watchReadiness(surroundings({ now: () => now, temporal: { idleQueues } }));
    const obstacle = async () => obstacleOf(await ask())?.check;
    expect([await obstacle(), await obstacle(), asked]).toEqual(['task-queues', 'task-queues', 1]);
    idle = [];
    now += 1_500;
    expect([await obstacle(), asked]).toEqual([undefined, 2]);
    idle = ['darkroom-io'];
    now += 2_000;
    expect([await obstacle(), asked]).toEqual([undefined, 2]);
    now += 9_000;
    expect([await obstacle(), asked]).toEqual(['task-queues', 3]);
  });

  it('does not wait for a server that never answers', async () => {
    const silent = { idleQueues: () => new Promise<never>(() => undefined) };
    const since = performance.now();
    expect(obstacleOf(await watchReadiness(surroundings({ temporal: silent }))())?.check).toBe('task-queues');
    expect(performance.now() - since).toBeLessThan(3_000);
  });
});
