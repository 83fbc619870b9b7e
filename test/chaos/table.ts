import type { Findings } from './findings.ts';

export interface Row {
  readonly fault: string;
  readonly findings: Findings;
  readonly seconds: number;
}

/** One line for each fault, its rounds summed up. */
export function drawTable(rows: readonly Row[]): string {
  const faults = [...new Set(rows.map(({ fault }) => fault))];
  const lines = faults.map((fault) => {
    const mine = rows.filter((row) => row.fault === fault);
    const sum = (of: (findings: Findings) => number): number =>
      mine.reduce((total, { findings }) => total + of(findings), 0);
    const seconds = mine.reduce((total, row) => total + row.seconds, 0) / mine.length;
    return [
      fault,
      mine.length,
      sum(({ photos }) => photos),
      sum(({ lost }) => lost),
      sum(({ doubled }) => doubled),
      sum(({ different }) => different),
      sum(({ redone }) => redone),
      sum(({ leftOvers }) => leftOvers.length),
      seconds.toFixed(1),
    ].map(String);
  });
  const head = ['fault', 'rounds', 'photos', 'lost', 'doubled', 'other bytes', 'redone', 'left over', 'seconds'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [head, ...lines].map(draw).join('\n');
}
