import type { Finding } from '../../checks/finding.ts';

const MARKS = { ok: 'ok', skipped: '-', warning: 'WARNING', fault: 'FAULT' } as const;

/** A line for each finding, and its remedy below it; or all of them as one JSON object. */
export function printFindings(findings: readonly Finding[], json: boolean): void {
  const faults = findings.filter(({ state }) => state === 'fault').length;
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  if (json) {
    print(JSON.stringify({ faults, warnings, findings }));
    return;
  }
  for (const finding of findings) {
    print(`${MARKS[finding.state].padEnd(8)} ${finding.check.padEnd(18)} ${finding.message}`);
    if ('remedy' in finding) print(`${' '.repeat(28)}→ ${finding.remedy}`);
  }
  print(`Faults: ${faults}, warnings: ${warnings}.`);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
