// Property: /metrics is what Prometheus reads without a complaint, tells of workers that are there and of nobody who has gone, and
// grows with routes, not with addresses.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Meters } from '../../src/api/metrics/meters.ts';
import type { WorkerReport } from '../../src/contracts/worker-report.ts';
import type { Vitals } from '../../src/checks/vitals.ts';
import { startApi, type RunningApi } from './support/running-api.ts';

const LINE = /^(?:# (?:HELP|TYPE) \w+ .*|\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (?:[-+.\deE]+|Nan|NaN|\+Inf))$/;

const REPORT: WorkerReport = {
  workerId: 'w-1',
  host: 'attic',
  pid: 1,
  writtenAt: 0,
  startedAt: 0,
  state: 'ready',
  notices: [],
  device: 'cpu',
  lanes: 1,
  activePhotos: 2,
  models: [],
  networks: [],
  totalProcessed: 7,
  avgProcessingSeconds: 1.5,
  deviceBusy: 0.5,
  engineMemoryBytes: 5e8,
  gpu: null,
};

describe('GET /metrics', () => {
  let api: RunningApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(async () => await api.close());

  it('is text that Prometheus reads, with requests by route', async () => {
    for (const id of ['b-20261122-120934-k7m2x9qfab.0', 'b-20261122-120934-k7m2x9qfab.1']) {
      await fetch(`${api.url}/api/v1/status/${id}`);
    }
    const answer = await fetch(`${api.url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await answer.text()).trim().split('\n');
    expect(lines.filter((line) => line !== '' && !LINE.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('darkroom_http_request_duration_seconds_count'))).toEqual([
      'darkroom_http_request_duration_seconds_count{method="GET",route="/api/v1/status/{task_id}",status="404"} 2',
    ]);
    expect(lines).toContain('darkroom_temporal_up 1');
  });
});

it('tells of workers while they are there', async () => {
  let vitals: Vitals = { workers: [REPORT], queue: { backlog: 3, pollers: 1 }, storeAnswers: true };
  const meters = new Meters({
    vitals: () => Promise.resolve(vitals),
    autoscalers: () => Promise.resolve([]),
    streams: () => 4,
  });
  const before = await meters.read();
  expect(before).toMatch(/^darkroom_worker_photos_active\{worker="w-1".*\} 2$/m);
  expect(before).toMatch(/^darkroom_worker_photos_total\{worker="w-1".*\} 7$/m);
  expect(before).toMatch(/^darkroom_queue_photos 3$/m);
  expect(before).toMatch(/^darkroom_event_streams 4$/m);
  expect(await meters.read()).toMatch(/^darkroom_worker_photos_total\{worker="w-1".*\} 7$/m);
  vitals = { workers: [], queue: undefined, storeAnswers: false };
  const after = await meters.read();
  expect(after).not.toContain('worker="w-1"');
  expect(after).toMatch(/^darkroom_temporal_up 0$/m);
  expect(after).toMatch(/^darkroom_store_up 0$/m);
  expect(after).toMatch(/^darkroom_queue_photos Nan$/m);
});
