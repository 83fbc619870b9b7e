/**
 * Property: readings are real, what is missing is null and never 0, history is bounded, and however many ask, workers and
 * Temporal are asked once a second and nobody waits long for a server that is away.
 */
import { describe, expect, it } from 'vitest';
import { createHostReader } from '../../src/api/performance/host-readings.ts';
import { PerformanceSampler } from '../../src/api/performance/sampler.ts';
import { watchVitals, type Vitals } from '../../src/checks/vitals.ts';

const NOTHING: Vitals = { workers: [], queue: { backlog: 0, pollers: 0 }, storeAnswers: true };

describe('vitals', () => {
  it('are asked for once, however many want them, and once more when a second has passed', async () => {
    let now = 0;
    let asked = 0;
    const service = {
      workers: () => Promise.resolve([]),
      queue: () => Promise.resolve({ backlog: ++asked, pollers: 1 }),
    };
    const vitals = watchVitals(service, () => now);
    await Promise.all(Array.from({ length: 100 }, vitals));
    expect(asked).toBe(1);
    now = 1500; // a little old: handed out at once, while the next answer is fetched
    expect((await vitals()).queue?.backlog).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await vitals()).queue?.backlog).toBe(2);
    now = 60_000;
    expect((await vitals()).queue?.backlog).toBe(3);
  });

  it('do not wait for a server that does not answer, nor fail with one that does badly', async () => {
    const silent = {
      workers: () => Promise.reject(new Error('broken')),
      queue: () => new Promise<never>(() => undefined),
    };
    expect(await watchVitals(silent, Date.now)()).toEqual({ workers: [], queue: undefined, storeAnswers: false });
  });
});

it('the sampler averages what it has seen, and knows no reading that was never there', async () => {
  const sampler = new PerformanceSampler({
    vitals: () => Promise.resolve(NOTHING),
    readHost: () => Promise.resolve({ cpuUsage: null, memoryUsage: 50 }),
    clock: () => 0,
  });
  sampler.start();
  expect((await sampler.current()).queueSize).toBe(0);
  sampler.stop();
  expect(sampler.average(({ memoryUsage }) => memoryUsage)).toBe(50);
  expect(sampler.average(({ cpuUsage }) => cpuUsage)).toBeNull();
  expect(sampler.average(({ gpuUsage }) => gpuUsage)).toBeNull();
});

describe('the host', () => {
  it('has a processor and memory in use, in percent', async () => {
    const read = createHostReader(Date.now);
    expect((await read()).cpuUsage).toBeNull();
    const until = Date.now() + 300;
    while (Date.now() < until) Math.sqrt(until);
    const { cpuUsage, memoryUsage } = await read();
    for (const usage of [cpuUsage, memoryUsage]) {
      expect(usage).toBeGreaterThan(0);
      expect(usage).toBeLessThanOrEqual(100);
    }
  });
});
