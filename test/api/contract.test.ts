/**
 * Property: every row of part 1 of the contract (rollback: batches.test.ts and rollback-real.test.ts) answers with its fixed status and shape,
 * through the whole stack of the API and over a real store and journal.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIVE_CHECKS } from '../../src/checks/live-checks.ts';
import {
  healthSchema,
  modelsSchema,
  performanceSchema,
  probeSchema,
  readinessSchema,
  serviceInfoSchema,
} from '../../src/contracts/http-service.ts';
import {
  batchAcceptedSchema,
  batchProgressSchema,
  batchStatusSchema,
  resumeAnswerSchema,
  taskAcceptedSchema,
  taskDeletedSchema,
  taskListSchema,
  taskStatusSchema,
} from '../../src/contracts/http.ts';
import type { WorkerReport } from '../../src/contracts/worker-report.ts';
import { everyFormat, jpeg, png } from './support/photos.ts';
import { answered, eventually, form, PAGE, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${api.url}${path}`, init);
const resume = (body: unknown): Promise<Response> =>
  fetch(`${api.url}/api/resume-operation`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const worker = (change: Partial<WorkerReport> = {}): WorkerReport => ({
  workerId: 'w1',
  host: 'h',
  pid: 1,
  writtenAt: 1,
  startedAt: 1,
  state: 'ready',
  notices: ['a notice'],
  device: 'cpu',
  lanes: 1,
  activePhotos: 1,
  totalProcessed: 4,
  avgProcessingSeconds: 2.5,
  deviceBusy: 1,
  models: [{ name: 'm', title: 'M', weights: 'ab', licence: 'BSD-3-Clause', resident: true, serves: ['fast'] }],
  networks: [],
  engineMemoryBytes: 1,
  gpu: null,
  ...change,
});

describe('GET /', () => {
  it('answers JSON to programs', async () => {
    for (const accept of ['*/*', 'application/json']) {
      const info = await answered(await get('/', { headers: { accept } }), serviceInfoSchema);
      expect(info).toMatchObject({ status: 'running', version: '1.2.3' });
    }
  });

  it('answers the page to browsers, and its assets', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const page = await get('/', { headers: { accept } });
    expect(await page.text()).toBe(PAGE);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const asset = await get('/assets/index-abc123.js');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    await asset.text();
  });
});

describe('POST /api/v1/enhance', () => {
  it('answers 200 with a task, a Location and epoch seconds', async () => {
    const response = await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']));
    const task = await answered(response, taskAcceptedSchema);
    expect(response.headers.get('location')).toBe(`/api/v1/status/${task.task_id}`);
    expect(Math.abs(task.created_at - Date.now() / 1000)).toBeLessThan(60);
  });

  it('takes options from the query string and from the form', async () => {
    const data = form('file', [await jpeg(), 'a.jpg']);
    data.append('quality_level', 'fast');
    data.append('max_workers', '7');
    data.append('enable_rollback', 'false');
    await answered(await post(`${api.url}/api/v1/enhance?tile_size=256&scale=2`, data), taskAcceptedSchema);
    expect(api.service.submitted.at(-1)).toMatchObject({
      kind: 'single',
      maxWorkers: 7,
      rollbackEnabled: false,
      checkpointEnabled: true,
      options: { tileSize: 256, quality: 'fast', scale: 2 },
    });
  });

  it('has the defaults of the contract', async () => {
    await answered(await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a'])), taskAcceptedSchema);
    expect(api.service.submitted.at(-1)).toMatchObject({
      maxWorkers: 4,
      rollbackEnabled: true,
      checkpointEnabled: true,
      options: { tileSize: 400, quality: 'high', scale: 4 },
    });
  });

  it('reads every format by its content, whatever the name and the type say', async () => {
    for (const [extension, content] of Object.entries(await everyFormat())) {
      const response = await post(`${api.url}/api/v1/enhance`, form('file', [content, 'x.exe']));
      expect(response.status, extension).toBe(200);
      await response.text();
    }
  });
});

describe('one photo', () => {
  it('goes from queued to completed, downloads, lists, and deletes', async () => {
    const name = 'Hélène à la plage.JPG';
    const accepted = await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), name]));
    const { task_id, operation_id } = await answered(accepted, taskAcceptedSchema);
    const path = `/api/v1/status/${task_id}`;
    expect(await answered(await get(path), taskStatusSchema)).toMatchObject({ status: 'queued', result_url: null });
    await refused(await get(`/api/v1/download/${task_id}`), 'not_completed');

    const result = await png(32, 24);
    await api.service.complete(operation_id, 0, result);
    const status = await answered(await get(path), taskStatusSchema);
    expect(status).toMatchObject({ status: 'completed', progress: 1, processing_time: 1.502, filename: name });
    const file = await get(status.result_url ?? '');
    expect(Buffer.from(await file.arrayBuffer())).toEqual(result);
    expect(file.headers.get('content-type')).toBe('image/png');
    expect(file.headers.get('content-length')).toBe(String(result.length));
    expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    expect(file.headers.get('content-disposition')).toContain(
      `filename*=UTF-8''${encodeURIComponent('Hélène à la plage_enhanced.png')}`,
    );

    const { tasks } = await answered(await get('/api/v1/tasks'), taskListSchema);
    expect(tasks[0]).toMatchObject({ task_id, status: 'completed' });
    const deleted = await get(`/api/v1/tasks/${task_id}`, { method: 'DELETE' });
    expect((await answered(deleted, taskDeletedSchema)).message).toMatch(/removed/);
    await refused(await get(path), 'not_found');
    await refused(await get(`/api/v1/download/${task_id}`), 'not_found');
    await refused(await get(`/api/v1/tasks/${task_id}`, { method: 'DELETE' }), 'not_found');
    expect((await api.files()).filter((file) => file.includes(`${operation_id}/uploads`))).toEqual([]);
    expect((await api.files()).filter((file) => file.includes(`${operation_id}/results`))).toEqual([]);
  });

  it('says in words why it failed', async () => {
    const accepted = await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']));
    const { task_id, operation_id } = await answered(accepted, taskAcceptedSchema);
    await api.service.fail(operation_id, 0, 'image_unreadable');
    expect(await answered(await get(`/api/v1/status/${task_id}`), taskStatusSchema)).toMatchObject({
      status: 'failed',
      error: 'The photo is damaged.',
      error_code: 'image_unreadable',
      result_url: null,
    });
  });
});

describe('a batch', () => {
  it('goes on when one file is no photo, and counts it as failed', async () => {
    const data = form('files', [await jpeg(), 'a.jpg'], [Buffer.from('not a photo'), 'b.jpg'], [await png(), 'c.png']);
    const response = await post(`${api.url}/api/v1/enhance/batch?quality_level=fast`, data);
    const batch = await answered(response, batchAcceptedSchema);
    const id = batch.batch_task_id;
    expect(batch).toMatchObject({ total_files: 3, status: 'queued', operation_id: id });
    expect(batch.sub_tasks).toHaveLength(3);
    expect(response.headers.get('location')).toBe(`/api/v1/batch/status/${id}`);
    await refused(await get(`/api/v1/batch/download/${id}`), 'not_completed');

    await api.service.complete(id, 0, await png());
    const status = await answered(await get(`/api/v1/batch/status/${id}`), batchStatusSchema);
    expect(status).toMatchObject({ status: 'processing', total_files: 3, completed_files: 1, failed_files: 1 });
    expect(status.sub_tasks[1]).toMatchObject({
      filename: 'b.jpg',
      status: 'failed',
      error_code: 'unsupported_format',
    });
    expect((await get(`/api/v1/batch/download/${id}`, { method: 'HEAD' })).status).toBe(200);

    await api.service.complete(id, 2, await png());
    expect(await answered(await get(`/api/v1/batch/status/${id}`), batchStatusSchema)).toMatchObject({
      status: 'partial_completed',
      progress: 1,
      next_cursor: null,
    });
    expect(await answered(await get(`/api/batch-progress/${id}`), batchProgressSchema)).toMatchObject({
      total: 3,
      completed: 2,
      failed: 1,
      progress: 1,
      eta: 0,
    });
    const subTask = await get(`/api/v1/status/${batch.sub_tasks[2]}`);
    expect(await answered(subTask, taskStatusSchema)).toMatchObject({ status: 'completed', filename: 'c.png' });
  });

  it('is paged when it is long', async () => {
    const photo = await png();
    const data = form('files', ...Array.from({ length: 5 }, (_, index) => [photo, `${index}.png`] as const));
    const { batch_task_id: id } = await answered(
      await post(`${api.url}/api/v1/enhance/batch`, data),
      batchAcceptedSchema,
    );
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const page = await answered(await get(`/api/v1/batch/status/${id}${query}`), batchStatusSchema);
      seen.push(...page.sub_tasks.map(({ filename }) => filename));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(['0.png', '1.png', '2.png', '3.png', '4.png']);
    const problem = await refused(await get(`/api/v1/batch/status/${id}?cursor=x&limit=0`), 'invalid_request');
    expect(problem.errors).toMatchObject([{ pointer: 'limit' }]);
  });

  it('is resumed, and a second call changes nothing and says so', async () => {
    const accepted = await post(`${api.url}/api/v1/enhance/batch`, form('files', [await jpeg(), 'a.jpg']));
    const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
    api.service.paused.add(id);
    expect(await answered(await resume({ operation_id: id }), resumeAnswerSchema)).toMatchObject({
      operation_id: id,
      action: 'resumed',
      kept: 0,
      remaining: 1,
    });
    expect((await answered(await resume({ operation_id: id }), resumeAnswerSchema)).action).toBe('none');
    await refused(await resume({ operation_id: 'b-20200101-000000-0000000000' }), 'not_found');
    expect((await refused(await resume({ operation_id: 7, more: 1 }), 'invalid_request')).errors).toMatchObject([
      { pointer: '/operation_id' },
      { pointer: '/more' },
    ]);
  });
});

describe('the server about itself', () => {
  it('is healthy only when a worker works', async () => {
    const health = async () => answered(await get('/health'), healthSchema);
    const becomes = (status: string) => eventually(async () => expect((await health()).status).toBe(status));
    expect(await health()).toMatchObject({
      status: 'degraded',
      active_tasks: 0,
      model_status: { initialized: false, device: 'none' },
    });
    await refused(await get('/readyz'), 'not_ready');
    api.service.reports = [worker()];
    await becomes('healthy');
    expect(await health()).toMatchObject({
      active_tasks: 1,
      model_status: { initialized: true, cuda_available: false, device: 'cpu', notices: ['a notice'] },
    });
    const { checks } = await answered(await get('/readyz'), readinessSchema);
    expect(checks.map(({ check, state }) => [check, state])).toEqual(LIVE_CHECKS.map(({ name }) => [name, 'ok']));
    api.service.waiting = undefined;
    await becomes('unhealthy');
    expect((await refused(await get('/readyz'), 'temporal_unavailable')).status).toBe(503);
    expect(await answered(await get('/livez'), probeSchema)).toEqual({ status: 'alive' });
    api.service.waiting = { backlog: 3, pollers: 1 };
    await becomes('healthy');
  });

  it('reads real load, and says null for what this host has not got', async () => {
    api.service.reports = [worker()];
    const { current_metrics: now, performance_summary: summary } = await answered(
      await get('/api/v1/performance'),
      performanceSchema,
    );
    expect(now).toMatchObject({ gpu_usage: null, gpu_memory: null, active_tasks: 1, queue_size: 3 });
    expect(now).toMatchObject({ avg_processing_time: 2.5 });
    expect(now.memory_usage).toBeGreaterThan(0);
    expect(now.memory_usage).toBeLessThanOrEqual(100);
    expect(summary).toMatchObject({ total_processed: 4, avg_gpu_usage: null });
  });

  it('lists the models of its workers', async () => {
    const { models, notices } = await answered(await get('/api/v1/models'), modelsSchema);
    expect(models).toMatchObject([{ name: 'm', resident: true, serves: ['fast'], devices: ['cpu'] }]);
    expect(notices).toEqual(['a notice']);
  });
});

it('answers 503 while Temporal is away, before it has read the photo', async () => {
  const waiting = api.service.waiting;
  api.service.waiting = undefined;
  await eventually(async () => {
    await refused(
      await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg'])),
      'temporal_unavailable',
    );
  });
  expect(await answered(await get('/livez'), probeSchema)).toEqual({ status: 'alive' });
  api.service.waiting = waiting;
});

it('answers 503 when Temporal goes away while a photo is submitted, and keeps nothing', async () => {
  api.service.temporalIsAway = true;
  const before = await api.files();
  const response = await post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']));
  expect(response.headers.get('retry-after')).not.toBeNull();
  await refused(response, 'temporal_unavailable');
  expect(await api.files()).toEqual(before);
  api.service.temporalIsAway = false;
});
