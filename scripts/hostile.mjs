import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, say, Trouble } from './command.mjs';
import { readReports } from './reports.mjs';

/**
 * `node scripts/hostile.mjs`: makes docs/hostile.md of test/hostile.json, the list, and of what the suites said when they were
 * last run; a test names its numbers in brackets: `[17] …`. With `--check`, after all suites, it is a test itself: it fails when a
 * number has no test that passed, a skipped one included, or the page names tests that are gone.
 */

const PAGE = join(root, 'docs/hostile.md');

/** Numbers → the files whose tests name them, and whether all of those passed. */
function evidence() {
  const found = new Map();
  for (const [file, tests] of Object.entries(readReports())) {
    if (!existsSync(join(root, file))) continue;
    for (const { name, status } of tests) {
      for (const number of numbersOf(name)) {
        const files = found.get(number) ?? new Map();
        const { passed = 0, failed = 0 } = files.get(file) ?? {};
        files.set(file, { passed: passed + (status === 'passed'), failed: failed + (status === 'failed') });
        found.set(number, files);
      }
    }
  }
  return found;
}

const numbersOf = (name) =>
  [...name.matchAll(/(?<!\w)\[(\d{1,2}(?:, ?\d{1,2})*)\]/g)].flatMap(([, list]) => list.split(',').map(Number));

const NONE = new Map();
const isTested = (files) => [...files.values()].some(({ passed }) => passed > 0);

/** What is wrong with one number. */
function judge({ number }, files) {
  if ([...files.values()].some(({ failed }) => failed > 0)) return [`${number}: a test fails`];
  if (isTested(files)) return [];
  return [files.size === 0 ? `${number}: no test that was run names it` : `${number}: its tests were skipped`];
}

/** The page must not name tests that are gone; one that is new and not in it yet is only said. */
function compare({ number }, files) {
  const row = readFileSync(PAGE, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`| ${number} |`));
  const listed = [
    ...(row ?? '')
      .split('|')
      .at(-2)
      .matchAll(/`(test\/[^`]+)`/g),
  ].map(([, file]) => file);
  const missing = [...files.keys()].filter((file) => !listed.includes(file));
  for (const file of missing) say(`${number}: docs/hostile.md does not name ${file} yet; run node scripts/hostile.mjs`);
  const gone = listed.filter((file) => !files.has(file));
  return gone.map((file) => `${number}: docs/hostile.md names ${file}, where no test says so`);
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function page(list, found) {
  const rows = list.map(({ number, input, answer }) => {
    const tests = [...(found.get(number) ?? NONE)]
      .filter(([, { passed }]) => passed > 0)
      .map(([file]) => `\`${file}\``)
      .sort();
    return `| ${number} | ${cell(input)} | ${cell(answer)} | ${tests.join(', ')} |`;
  });
  const tested = list.filter(({ number }) => isTested(found.get(number) ?? NONE)).length;
  return [
    '# Hostile inputs and faults',
    '',
    'Made by `node scripts/hostile.mjs` of the list `test/hostile.json` and of what the suites said (`npm test`, `npm run test:e2e`,',
    '`npm run test:chaos`); a test names its numbers in brackets. Where the list and the HTTP contract fix different statuses, the contract wins.',
    '',
    `${tested} of ${list.length} have tests that pass.`,
    '',
    '| no. | input or fault | answer it must get | tests |',
    '| ---: | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

await main((args) => {
  const list = JSON.parse(readFileSync(join(root, 'test/hostile.json'), 'utf8'));
  const found = evidence();
  const filesOf = ({ number }) => found.get(number) ?? NONE;
  const check = args.includes('--check');
  if (check && !existsSync(PAGE))
    throw new Trouble('There is no docs/hostile.md yet: run all suites, then node scripts/hostile.mjs.');
  const faulty = list.map((entry) => [
    ...judge(entry, filesOf(entry)),
    ...(check ? compare(entry, filesOf(entry)) : []),
  ]);
  const faults = faulty.flat();
  for (const fault of faults) say(fault);
  if (!check) {
    if (faults.length > 0) throw new Trouble('docs/hostile.md stays as it was: run all suites first.');
    writeFileSync(PAGE, page(list, found));
  }
  const good = list.filter((entry, at) => isTested(filesOf(entry)) && faulty[at]?.length === 0).length;
  say(`${good} of ${list.length} hostile inputs and faults are answered as they must be.`);
  console.log(faults.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return faults.length === 0 ? 0 : 1;
});
