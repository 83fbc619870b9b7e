import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/command.mjs';
import { drawDashboard } from './draw-dashboard.mjs';

/**
 * The Grafana dashboard as a picture without Grafana: Prometheus, which scraped a house, is asked the dashboard's own queries, and what it
 * answers is drawn where the dashboard has its panels.
 */

const STEPS = 200;

/** @param span `{ from, to }` in epoch seconds. @returns titles of panels for which there is nothing to draw */
export async function drawPicture(prometheus, span, caption) {
  const { title, panels } = JSON.parse(readFileSync(join(root, 'deploy/grafana/darkroom.json'), 'utf8'));
  const drawn = [];
  for (const panel of panels) drawn.push(await readPanel(panel, prometheus, span));
  const origin = `Drawn from Prometheus ${await prometheus.version()} with the queries of deploy/grafana/darkroom.json, without Grafana.`;
  const picture = drawDashboard({ title, panels: drawn, span, captions: [origin, caption] });
  writeFileSync(join(root, 'docs/screenshots/dashboard.svg'), picture);
  return drawn.filter(({ lines }) => lines.length === 0).map(({ title: bare }) => bare);
}

async function readPanel({ title, gridPos, targets, fieldConfig }, prometheus, { from, to }) {
  const step = Math.max(5, Math.round((to - from) / STEPS));
  const lines = [];
  for (const { expr, legendFormat } of targets) {
    for (const { metric, values } of await prometheus.range(expr, from, to, step)) {
      const points = values.map(([at, text]) => [at, Number(text)]).filter(([, value]) => Number.isFinite(value));
      const name = legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '');
      if (points.length > 0) lines.push({ name, points });
    }
  }
  return { title, gridPos, lines, unit: fieldConfig?.defaults?.unit ?? 'short' };
}
