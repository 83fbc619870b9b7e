import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { root } from './command.mjs';

/** What the last run of every test file said, over all suites; files that a run leaves out keep what they said before. */

const KEPT = join(root, '.reports/tests.json');

export const readReports = () => (existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {});

export function keepReport(reportFile) {
  if (!existsSync(reportFile)) return;
  const kept = readReports();
  for (const { name, assertionResults } of JSON.parse(readFileSync(reportFile, 'utf8')).testResults) {
    const file = relative(root, name).split(sep).join('/');
    kept[file] = assertionResults.map(({ fullName, status }) => ({ name: fullName, status }));
  }
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify(kept));
}
