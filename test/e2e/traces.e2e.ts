// Property: with a collector named, each request that starts something is one trace, from HTTP through the workflow and its activities
// to the stages of every photo, each below what started it. Without one nothing of OpenTelemetry's SDK is even loaded.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Collector, type CollectedSpan } from './collector.ts';
import { House, packageDir, possible } from './house.ts';
import { crops, truncated } from './photos.ts';
import { waitFor } from './processes.ts';
import { Visitor } from './visitor.ts';

const STAGES = ['fetch', 'decode', 'network', 'encode', 'publish'];
const TRACE_OF_CLIENT = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_OF_CLIENT = '00f067aa0ba902b7';

describe.skipIf(!possible)('traces', () => {
  const collector = new Collector();
  let house: House;
  let visitor: Visitor;
  let address: string;

  beforeAll(async () => {
    address = await collector.listen();
    house = await House.start({ OTEL_EXPORTER_OTLP_ENDPOINT: address, OTEL_BSP_SCHEDULE_DELAY: '200' });
    visitor = new Visitor(house.url);
  });
  afterAll(async () => {
    await house?.close();
    await collector.close();
  });

  const only = (spans: readonly CollectedSpan[], name: string, parent?: CollectedSpan): CollectedSpan => {
    const found = spans.filter((span) => span.name === name && (!parent || span.parentSpanId === parent.spanId));
    if (found.length !== 1 || !found[0])
      throw new Error(`Expected one ${name} but found ${found.length}:\n${tell(spans)}`);
    return found[0];
  };
  /** All spans of a trace, once its workflow has ended: that span is sent last but for those of the last activities. */
  const traceOf = async (path: string): Promise<CollectedSpan[]> => {
    const { traceId } = await waitFor(`the request ${path}`, 30_000, async () =>
      collector.spans.find(({ name }) => name === path),
    );
    const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId);
    const isWhole = (spans: CollectedSpan[]): boolean =>
      spans.some(({ name }) => name.startsWith('RunWorkflow')) &&
      spans.every(({ parentSpanId }) =>
        ['', SPAN_OF_CLIENT, ...spans.map(({ spanId }) => spanId)].includes(parentSpanId),
      );
    return await waitFor('a whole trace', 30_000, async () => (isWhole(ofTrace()) ? ofTrace() : undefined)).catch(
      () => {
        throw new Error(`no whole trace:\n${tell(ofTrace())}`);
      },
    );
  };

  it('lead from the request to the stages of a photo, and take up the trace of the client', async () => {
    const [photo] = await crops(1);
    if (!photo) throw new Error('no photo');
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(photo.bytes)]), photo.name);
    const answer = await fetch(`${house.url}/api/v1/enhance?quality_level=fast`, {
      method: 'POST',
      body: form,
      headers: { traceparent: `00-${TRACE_OF_CLIENT}-${SPAN_OF_CLIENT}-01` },
    });
    expect(answer.headers.get('x-trace-id')).toBe(TRACE_OF_CLIENT);
    const { task_id: task } = (await answer.json()) as { task_id: string };
    await visitor.settled(task);

    const spans = await traceOf('POST /api/v1/enhance');
    const request = only(spans, 'POST /api/v1/enhance');
    expect(request).toMatchObject({ traceId: TRACE_OF_CLIENT, parentSpanId: SPAN_OF_CLIENT, service: 'darkroom-api' });
    expect(request.attributes).toMatchObject({ 'http.response.status_code': '200', 'http.route': '/api/v1/enhance' });
    const start = only(spans, 'StartWorkflow:enhanceBatch', request);
    const workflow = only(spans, 'RunWorkflow:enhanceBatch', start);
    expect(workflow.service).toBe('darkroom-worker');
    expect(workflow.attributes).toMatchObject({ temporalWorkflowId: task.split('.')[0], outcome: 'completed' });
    const activity = only(spans, 'RunActivity:enhancePhoto', workflow);
    expect(activity.attributes).toMatchObject({
      batchId: task.split('.')[0],
      photoId: task,
      attempt: '1',
      device: 'cpu',
    });
    for (const stage of STAGES) {
      const span = only(spans, stage, activity);
      expect(span.attributes).toMatchObject({ photoId: task, batchId: task.split('.')[0] });
      expect(span.ms).toBeLessThanOrEqual(activity.ms);
    }
    const network = only(spans, 'network', activity);
    // What the engine itself says the network took lies within its stage, give or take a message between two processes.
    expect(network.ms).toBeGreaterThan(Number(activity.attributes['networkMs']) * 0.5);
    console.log(`One photo as a trace:\n${tell(spans)}`);
  });

  it('show at which stage a photo failed, and leave its batch’s other photos alone', async () => {
    const [good, bad] = await crops(2);
    if (!good || !bad) throw new Error('no photos');
    await visitor.ended(await visitor.enhanceBatch([good, truncated(bad)], 'quality_level=fast'));
    const spans = await traceOf('POST /api/v1/enhance/batch');
    const activities = spans.filter(({ name }) => name === 'RunActivity:enhancePhoto');
    const failed = activities.filter((span) => span.failed);
    expect([activities.length, failed.length]).toEqual([2, 1]);
    const stages = spans.filter(({ parentSpanId }) => parentSpanId === failed[0]?.spanId);
    expect(stages.map(({ name, failed }) => [name, failed])).toContainEqual(['decode', true]);
    expect(stages.some(({ name }) => name === 'publish')).toBe(false);
  });

  it('begin with the command where a batch comes from the command line', async () => {
    const [photo] = await crops(1);
    if (!photo) throw new Error('no photo');
    const folder = await mkdtemp(join(tmpdir(), 'darkroom-traced-'));
    try {
      await writeFile(join(folder, photo.name), photo.bytes);
      const args = [
        join(packageDir, 'dist/cli/main.js'),
        'enhance',
        folder,
        '--quality',
        'fast',
        '--out',
        join(folder, 'out'),
      ];
      const env = { ...process.env, DATA_DIR: house.dataDir, OTEL_EXPORTER_OTLP_ENDPOINT: address };
      await promisify(execFile)(process.execPath, args, { env });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const ofCommand = await waitFor('the order of the command', 30_000, async () =>
      collector.spans.find(({ service }) => service === 'darkroom-command'),
    );
    expect(ofCommand).toMatchObject({ name: 'StartWorkflow:enhanceBatch', parentSpanId: '' });
    const run = await waitFor('its batch', 30_000, async () =>
      collector.spans.find(({ parentSpanId }) => parentSpanId === ofCommand.spanId),
    );
    expect(run).toMatchObject({ name: 'RunWorkflow:enhanceBatch', service: 'darkroom-worker' });
  });

  it('leave out probes, and what is only asked again and again', async () => {
    for (const path of ['/livez', '/readyz', '/health', '/metrics']) await visitor.get(path);
    await visitor.get('/api/v1/tasks');
    await waitFor('the request after the probes', 30_000, async () =>
      collector.spans.find(({ name }) => name === 'GET /api/v1/tasks'),
    );
    const names = new Set(collector.spans.map(({ name }) => name));
    expect([...names].filter((name) => /livez|readyz|health|metrics|Query|Describe/i.test(name))).toEqual([]);
  });
});

describe.skipIf(!possible)('without a collector', () => {
  it('nothing of the SDK is loaded', () => {
    const program = (endpoint: string): string => `
      const { openTracing } = await import('./dist/tracing/open-tracing.js');
      const tracing = await openTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: '${endpoint}' }, 'api', () => undefined);
      const { Module } = await import('node:module');
      console.log(tracing !== undefined, Object.keys(Module._cache).filter((path) => path.includes('@opentelemetry')).length > 0);
      await tracing?.close();`;
    const run = (endpoint: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program(endpoint)], { cwd: packageDir })
        .toString()
        .trim();
    expect(run('')).toBe('false false');
    expect(run('http://127.0.0.1:9')).toBe('true true');
  });
});

/** As a tree, for people. */
function tell(spans: readonly CollectedSpan[], parent?: CollectedSpan, depth = 0): string {
  const isRoot = ({ parentSpanId }: CollectedSpan): boolean => !spans.some(({ spanId }) => spanId === parentSpanId);
  return spans
    .filter((span) => (parent ? span.parentSpanId === parent.spanId : isRoot(span)))
    .map((span) => `${'  '.repeat(depth)}${span.name} ${span.ms.toFixed(1)} ms\n${tell(spans, span, depth + 1)}`)
    .join('');
}
