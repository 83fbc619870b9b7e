import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/command.mjs';

const PROCESSES = ['supervisor', 'temporal', 'worker', 'engine', 'api'];
/** What may differ between the seventh or eighth tenth and the last: by share, or by so much where that is more. */
const BOUNDS = {
  MiB: { share: 0.1, least: 25 },
  files: { share: 0.1, least: 10 },
  disk: { share: 0.5, least: 2 },
  ms: { share: 1, least: 500 },
};

const HEADS = [
  'tenth',
  'struck',
  'photos',
  'single p50',
  'p95',
  'call p50',
  'p95',
  ...PROCESSES.map((name) => `${name} MiB (files)`),
  'photos on disk MiB',
  'books',
  'Temporal',
  'longest history',
];

const ms = (value) => (value === undefined ? '–' : `${Math.round(value)} ms`);
const cells = (row) => [
  String(row.tenth),
  String(row.strikes),
  String(row.photos),
  ms(row.single.p50),
  ms(row.single.p95),
  ms(row.call.p50),
  ms(row.call.p95),
  ...PROCESSES.map((name) =>
    row.processes[name] ? `${Math.round(row.processes[name].MiB)} (${row.processes[name].files})` : '–',
  ),
  row.disk['originals and results'].toFixed(1),
  row.disk['books'].toFixed(1),
  row.disk['Temporal'].toFixed(1),
  String(row.longest),
];

export const markdownTable = (rows) =>
  [HEADS, HEADS.map(() => '---'), ...rows.map(cells)].map((line) => `| ${line.join(' | ')} |`).join('\n');

/** What is not flat between a tenth in which everybody has run undisturbed for a while, and the last; empty when all is well. */
export function findGrowth(rows) {
  const [early, late] = [rows[7], rows.at(-1)];
  if (early === undefined || rows.length < 10) return ['The run ended before its last tenth.'];
  const pairs = PROCESSES.flatMap((name) =>
    ['MiB', 'files'].map((what) => [
      `${what} of ${name}`,
      early.processes[name]?.[what],
      late.processes[name]?.[what],
      BOUNDS[what],
    ]),
  );
  pairs.push([
    'originals and results on the disk',
    early.disk['originals and results'],
    late.disk['originals and results'],
    BOUNDS.disk,
  ]);
  pairs.push(['scratch on the disk', early.disk.scratch, late.disk.scratch, BOUNDS.disk]);
  pairs.push(['p50 of a single photo', early.single.p50, late.single.p50, BOUNDS.ms]);
  pairs.push([
    'longest history',
    Math.max(...rows.slice(0, 8).map(({ longest }) => longest)),
    late.longest,
    { share: 0.5, least: 50 },
  ]);
  return pairs.flatMap(([what, before, after, { share, least }]) => {
    if (before === undefined || after === undefined) return [`${what} could not be read.`];
    const allowed = Math.max(before * share, least);
    return after - before > allowed ? [`${what} grew from ${before.toFixed(1)} to ${after.toFixed(1)}.`] : [];
  });
}

/** @param run minutes, seed, date, machine, rows, seen, strikes (name to count), growth */
export function writeReport({ minutes, seed, date, machine, rows, seen, strikes, growth }) {
  const struck = Object.entries(strikes)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
  const photos = rows.at(-1)?.photos ?? 0;
  const first = rows[0];
  const kB = (kind) =>
    (((rows.at(-1).disk[kind] - first.disk[kind]) * 1024) / Math.max(1, photos - first.photos)).toFixed(1);
  writeFileSync(
    join(root, 'docs/soak.md'),
    `# Under load for a while

Written by \`npm run test:soak -- --minutes ${minutes} --seed ${seed} --report\` ([what it does](../test/soak/README.md)).

${date}, ${machine}: ${rows.length} of 10 tenths of ${minutes} minutes. Killed (SIGKILL) in the first six tenths: ${struck}. Then nobody was touched.

| | |
| --- | --- |
| photos completed, failed as they should, cancelled | ${seen.completed}, ${seen.failed}, ${seen.cancelled} |
| batches; rolled back; followed by events to their end | ${seen.batches}; ${seen['rolled back']}; ${seen.followed} |
| lost, or not ended within four minutes; different from what the same photo became before | ${seen.lost.length}; ${seen.different.length} |
| calls that had to be sent again | ${seen.again} |
| the books grow by; Temporal's database by | ${kB('books')} kB; ${kB('Temporal')} kB a photo |

${markdownTable(rows)}

Medians of each tenth; memory and open files by process; what ended was deleted, but for originals of batches that were rolled back, which stay until
\`RETENTION_HOURS\` are over; the books stay for good, and Temporal's database for its retention. A single photo comes in beside two batches on one device.

${growth.length === 0 ? 'Between the eighth tenth and the last nothing grew.' : growth.map((line) => `- ${line}`).join('\n')}
`,
  );
}
