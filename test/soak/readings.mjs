import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Memory (MiB) and open files of processes, by name. */
export function readProcesses(processes) {
  const found = {};
  for (const [name, pid] of Object.entries(processes)) {
    try {
      const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (resident) found[name] = { pid, MiB: Number(resident) / 1024, files: readdirSync(`/proc/${pid}/fd`).length };
    } catch {
      // is just being started again
    }
  }
  return found;
}

const KINDS = [
  ['originals and results', /^store\/batches\/.*\/(?:uploads|results)\//],
  ['books', /^store\//],
  ['scratch', /^scratch\//],
  ['Temporal', /^temporal/],
  ['logs', /^logs\//],
];

/** MiB below the data directory, by what they are. */
export function readDisk(dataDir) {
  const sizes = Object.fromEntries([...KINDS.map(([kind]) => kind), 'else'].map((kind) => [kind, 0]));
  for (const path of readdirSync(dataDir, { recursive: true })) {
    try {
      const file = statSync(join(dataDir, path));
      if (file.isFile()) sizes[KINDS.find(([, is]) => is.test(path))?.[0] ?? 'else'] += file.size / 2 ** 20;
    } catch {
      // removed in between
    }
  }
  return sizes;
}

/** Events of the longest history of a batch that there is. */
export async function longestHistory(client) {
  let longest = 0;
  for await (const { historyLength } of client.workflow.list({ query: 'WorkflowType = "enhanceBatch"' }))
    longest = Math.max(longest, historyLength ?? 0);
  return longest;
}

export function quantile(values, share) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
