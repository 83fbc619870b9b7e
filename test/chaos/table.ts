import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageDir } from '../e2e/house.ts';
import type { Fault } from './fault.ts';
import type { Findings } from './findings.ts';

export interface Row {
  readonly fault: Pick<Fault, 'number' | 'name'>;
  readonly findings: Findings;
  readonly seconds: number;
  /** What was special about the round. */
  readonly remark: string;
}

/** Hashes of a whole folder before a batch in place, after it, and after its rollback. */
export interface Proof {
  readonly name: string;
  readonly before: string;
  readonly enhanced: string;
  readonly after: string;
  readonly remark: string;
}

const HEAD = [
  'no.',
  'fault',
  'rounds',
  'photos',
  'lost',
  'doubled',
  'other bytes',
  'left over',
  'photos redone',
  'tiles redone',
  'seconds',
  'remark',
] as const;

/** One line for each fault, its rounds summed up. */
function linesOf(rows: readonly Row[]): string[][] {
  const faults = [...new Set(rows.map(({ fault }) => fault))].toSorted((a, b) => a.number - b.number);
  return faults.map((fault) => {
    const mine = rows.filter((row) => row.fault === fault);
    const sum = (of: (findings: Findings) => number): number =>
      mine.reduce((total, { findings }) => total + of(findings), 0);
    const seconds = mine.reduce((total, row) => total + row.seconds, 0) / mine.length;
    return [
      fault.number,
      fault.name,
      mine.length,
      sum(({ photos }) => photos),
      sum(({ lost }) => lost),
      sum(({ doubled }) => doubled),
      sum(({ different }) => different),
      sum(({ leftOvers }) => leftOvers.length),
      sum(({ redone }) => redone),
      sum(({ redoneTiles }) => redoneTiles),
      seconds.toFixed(1),
      [...new Set(mine.map(({ remark }) => remark))].filter((remark) => remark !== '').join('; '),
    ].map(String);
  });
}

/** For a terminal. */
export function drawTable(rows: readonly Row[], proofs: readonly Proof[]): string {
  const lines = linesOf(rows);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const last = HEAD.length - 1;
  const draw = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        if (column === last) return cell;
        return column === 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
      })
      .join('  ');
  return [[...HEAD], ...lines].map(draw).concat(proofs.map(describeProof)).join('\n');
}

const describeProof = ({ name, before, enhanced, after, remark }: Proof): string =>
  `${name} (${remark}): tree before ${before.slice(0, 16)}, enhanced ${enhanced.slice(0, 16)}, after the rollback ${after.slice(0, 16)}`;

interface Run {
  readonly seed: number;
  readonly rows: readonly Row[];
  readonly proofs: readonly Proof[];
}

/** With CHAOS_REPORT=1 the table is kept as `docs/chaos.md`. */
export async function writeReport({ seed, rows, proofs }: Run, environment: NodeJS.ProcessEnv): Promise<void> {
  if (environment['CHAOS_REPORT'] !== '1') return;
  const settings = ['CHAOS_ROUNDS', 'CHAOS_AWAY_MS'].flatMap((name) =>
    environment[name] ? [`${name}=${environment[name]}`] : [],
  );
  const command = ['CHAOS_REPORT=1', `CHAOS_SEED=${seed}`, ...settings, 'npm run test:chaos'].join(' ');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const photos = rows.reduce((sum, { findings }) => sum + findings.photos, 0);
  const text = [
    '# Chaos, as it was run',
    '',
    `Written by the suite itself on ${new Date().toISOString().slice(0, 10)}: ${rows.length} rounds, ${photos} photos. The same again:`,
    '',
    '```sh',
    command,
    '```',
    '',
    'Each round is a batch of six real photos of two tiles each in a whole house: the command, a Temporal server, a worker, a',
    'network. *Lost*: photos without a result. *Doubled*: results or outcomes beyond one a photo. *Other bytes*: results that',
    'differ from those of an undisturbed run. *Left over*: half-written files. *Photos redone*: those that took more than one',
    'attempt; *tiles redone*: finished tiles of them that were computed again (the tile under way in a killed engine comes on top).',
    '',
    line([...HEAD]),
    line(HEAD.map((title) => (title === 'fault' || title === 'remark' ? '---' : '---:'))),
    ...linesOf(rows).map(line),
    '',
    '## Rollback',
    '',
    'SHA-256 over names, content, mode and modification time of every file of a folder:',
    '',
    line(['what', 'before the batch', 'enhanced in place', 'after the rollback', 'remark']),
    line(['---', '---', '---', '---', '---']),
    ...proofs.map((one) =>
      line([one.name, `\`${one.before}\``, `\`${one.enhanced}\``, `\`${one.after}\``, one.remark]),
    ),
    '',
  ].join('\n');
  await writeFile(join(packageDir, 'docs/chaos.md'), text);
}
