/**
 * `npm run bench`: every section in turn, several rounds over, on one machine; then docs/performance.md and its plots.
 *
 *     npm run bench -- [--only NAME,…] [--rounds 3] [--again] [--no-run] [--SECTION-SETTING VALUE …]
 *
 * A section goes on where it was left: it runs only the rounds it lacks. `--again` forgets the rounds of the sections that
 * are named. `--no-run` only writes the page. What a section can be told is in its `settings`: `--limit-megapixels 3`.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { forget, readRounds, writeRound } from './book.mjs';
import { SECTIONS } from './sections/index.mjs';
import { versions } from './versions.mjs';
import { writePage } from './write-page.mjs';

const settingOf = ({ name }, key) => `${name}-${key}`;

const own = {
  only: { type: 'string', default: SECTIONS.map(({ name }) => name).join(',') },
  rounds: { type: 'string', default: '3' },
  again: { type: 'boolean', default: false },
  run: { type: 'boolean', default: true },
};
const ofSections = SECTIONS.flatMap((section) =>
  Object.entries(section.settings).map(([key, value]) => [settingOf(section, key), { type: 'string', default: value }]),
);
const { values: wanted } = parseArgs({ options: { ...own, ...Object.fromEntries(ofSections) }, allowNegative: true });

const names = wanted.only.split(',');
const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
if (unknown.length > 0)
  throw new Error(
    `Expected --only to name sections (${SECTIONS.map(({ name }) => name).join(', ')}) and received ${unknown}`,
  );
const chosen = SECTIONS.filter(({ name }) => names.includes(name));

const settingsOf = (section) =>
  Object.fromEntries(Object.keys(section.settings).map((key) => [key, wanted[settingOf(section, key)]]));

/** The command that measures this again. */
function commandOf(section) {
  const changed = Object.entries(settingsOf(section)).filter(([key, value]) => value !== section.settings[key]);
  return [
    `npm run bench -- --only ${section.name}`,
    ...changed.map(([key, value]) => `--${settingOf(section, key)} ${value}`),
  ].join(' ');
}

const git = (...args) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;

async function runRound(section) {
  const settings = settingsOf(section);
  const lacking = await section.needs?.(settings);
  if (lacking !== undefined) return console.log(`${section.name}: left out, ${lacking}`);
  const [startedAt, load] = [performance.now(), loadavg()[0]];
  const rows = await section.run(settings);
  const seconds = (performance.now() - startedAt) / 1000;
  await writeRound(section.name, {
    date: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD'),
    machine,
    versions: await versions(),
    command: commandOf(section),
    loadBefore: load,
    seconds,
    rows,
  });
  console.log(`${section.name}, ${seconds.toFixed(0)} s`);
  for (const { what, at, value, unit } of rows)
    console.log(`  ${what}${at === undefined ? '' : ` [${at}]`}: ${Number(value.toPrecision(4))} ${unit}`);
}

if (wanted.again) for (const { name } of chosen) await forget(name);
if (wanted.run) {
  for (let round = 1; round <= Number(wanted.rounds); round += 1) {
    for (const section of chosen) if ((await readRounds(section.name)).length < round) await runRound(section);
  }
}
await writePage(SECTIONS);
