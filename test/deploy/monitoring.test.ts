// Property: alerts and dashboard ask for nothing that /metrics does not tell, Prometheus takes the rules, and every alert has a runbook.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Meters } from '../../src/api/metrics/meters.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const promtool = (...args: string[]) =>
  spawnSync('promtool', args, { cwd: join(root, 'deploy/prometheus'), encoding: 'utf8' });
const present = promtool('--version').status === 0;
if (!present) console.warn('There is no promtool: Prometheus does not check the rules.');

async function metricNames(): Promise<Set<string>> {
  const vitals = { workers: [], queue: { backlog: 0, pollers: 1 }, storeAnswers: true };
  const autoscalers = () => Promise.resolve([]);
  const text = await new Meters({ vitals: () => Promise.resolve(vitals), autoscalers, streams: () => 0 }).read();
  return new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name ?? ''));
}

const asked = (text: string): string[] =>
  [...new Set(text.match(/\bdarkroom_\w+/g))].map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));

describe('what watches a Darkroom', () => {
  it.each(['deploy/prometheus/alerts.yml', 'deploy/prometheus/alerts.test.yml', 'deploy/grafana/darkroom.json'])(
    '%s names only metrics that there are',
    async (name) => {
      const names = await metricNames();
      const wanted = asked(read(name));
      expect(wanted.length).toBeGreaterThan(4);
      expect(wanted.filter((one) => !names.has(one))).toEqual([]);
    },
  );

  it('has a runbook for every alert, under a heading of the guide', () => {
    const headings = [...read('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
      (text ?? '')
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const alerts = read('deploy/prometheus/alerts.yml');
    const runbooks = [...alerts.matchAll(/runbook: 'docs\/operations\.md#([\w-]+)'/g)].map(
      ([, anchor]) => anchor ?? '',
    );
    expect(runbooks.length).toBe([...alerts.matchAll(/- alert:/g)].length);
    expect(runbooks.filter((anchor) => !headings.includes(anchor))).toEqual([]);
  });

  it('has panels that are placed side by side, each with a question', () => {
    const { panels } = JSON.parse(read('deploy/grafana/darkroom.json')) as {
      panels: { gridPos: Record<'x' | 'y' | 'w', number>; targets: { expr: string }[] }[];
    };
    const places = panels.map(({ gridPos: { x, y } }) => `${x},${y}`);
    expect(new Set(places).size).toBe(panels.length);
    for (const { gridPos, targets } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      expect(targets.length).toBeGreaterThan(0);
    }
  });
});

describe.skipIf(!present)('promtool', () => {
  it.each([
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
    ['check', 'config', '--syntax-only', 'prometheus.yml'],
  ])('%s %s %s', (...args) => {
    const { status, stdout, stderr } = promtool(...args);
    expect(status, stdout + stderr).toBe(0);
  });
});
