import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyFreePort } from '../../dist/cli/supervisor/ports.js';

const READY_WITHIN_MS = 30_000;

/** A real Prometheus (`apt-get install prometheus`) that scrapes the API of a house every few seconds. */
export async function startPrometheus(folder, { url, key }) {
  const place = join(folder, 'prometheus');
  mkdirSync(place);
  const configuration = {
    global: { scrape_interval: '5s' },
    scrape_configs: [
      {
        job_name: 'darkroom-api',
        authorization: { type: 'Bearer', credentials: key },
        static_configs: [{ targets: [new URL(url).host] }],
      },
    ],
  };
  const file = join(place, 'prometheus.yml');
  writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 }); // JSON is YAML
  const address = `127.0.0.1:${await anyFreePort('127.0.0.1')}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${file}`, `--storage.tsdb.path=${join(place, 'data')}`, `--web.listen-address=${address}`],
    { stdio: 'ignore' },
  );
  let missing;
  child.once('error', (error) => (missing = error));
  process.once('exit', () => child.kill());
  const ask = async (path) => {
    const answer = await fetch(`http://${address}${path}`);
    if (!answer.ok) throw new Error(`Prometheus answered ${answer.status} to ${path}: ${await answer.text()}`);
    return await answer.json();
  };
  for (const since = performance.now(); ; await sleep(200)) {
    if (missing)
      throw new Error('There is no Prometheus: install it (`apt-get install prometheus`).', { cause: missing });
    const ready = await fetch(`http://${address}/-/ready`).catch(() => undefined);
    if (ready?.ok) break;
    if (performance.now() - since > READY_WITHIN_MS) throw new Error('Prometheus does not become ready.');
  }
  return {
    version: async () => (await ask('/api/v1/status/buildinfo')).data.version,
    /** @returns series with `metric` (labels) and `values` (`[epoch seconds, text]`) */
    async range(query, from, to, step) {
      const search = new URLSearchParams({ query, start: String(from), end: String(to), step: String(step) });
      return (await ask(`/api/v1/query_range?${search}`)).data.result;
    },
    end: () => child.kill(),
  };
}
