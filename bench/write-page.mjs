/** Writes docs/performance.md and its plots from the book of measurements. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linesOf, readRounds } from './book.mjs';

const DOCS = fileURLToPath(new URL('../docs', import.meta.url));
const PLOTS = 'performance';

export async function writePage(sections) {
  const parts = [];
  const machines = new Set();
  await mkdir(join(DOCS, PLOTS), { recursive: true });
  for (const section of sections) {
    const rounds = await readRounds(section.name);
    if (rounds.length === 0) continue;
    for (const { machine, versions } of rounds) machines.add(`${machine}; ${listed(versions)}`);
    const lines = linesOf(rounds);
    const plots = Object.entries(section.plots?.(lines) ?? {});
    for (const [name, svg] of plots) await writeFile(join(DOCS, PLOTS, name), svg);
    parts.push(
      partOf(
        section,
        rounds,
        lines,
        plots.map(([name]) => name),
      ),
    );
  }
  if (parts.length > 0) await writeFile(join(DOCS, 'performance.md'), `${headOf(machines)}\n\n${parts.join('\n\n')}\n`);
}

const listed = (versions) =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

const headOf = (machines) => `# What it costs, measured

<!-- Written by \`npm run bench\`. -->

Everything here was measured by \`npm run bench\`, on ${[...machines].join('; and on ')}.

A ratio (unit \`x\`) compares two things that took turns in the same round; that is what is claimed. Seconds and photos a second belong to this
machine and this day. Every line has its least, middle and largest value over the rounds of its section; the command below a table measures it again.`;

function partOf(section, rounds, lines, plots) {
  const days = [...new Set(rounds.map(({ date }) => date.slice(0, 10)))].join(', ');
  const commits = [...new Set(rounds.map(({ commit }) => commit))].join(', ');
  const commands = [...new Set(rounds.map(({ command }) => `\`${command}\``))].join(', ');
  const loads = rounds.map(({ loadBefore }) => loadBefore.toFixed(1)).join(', ');
  return [
    `## ${section.title}`,
    section.about,
    tableOf(lines),
    `${commands}; ${days}, commit ${commits}; ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}, load of the machine before each ${loads}.`,
    ...(section.reading ? [section.reading(lines)] : []),
    ...plots.map((name) => `![${name}](${PLOTS}/${name})`),
  ].join('\n\n');
}

function tableOf(lines) {
  const body = lines.map(
    ({ what, at, unit, min, median, max }) =>
      `| ${what} | ${at === undefined ? '' : at.toLocaleString('en')} | ${[min, median, max].map(shown).join(' | ')} | ${unit} |`,
  );
  return ['| what | at | least | middle | most | unit |', '| --- | ---: | ---: | ---: | ---: | --- |', ...body].join(
    '\n',
  );
}

/** Three figures, more for what is counted. */
const shown = (value) =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
