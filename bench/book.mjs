/**
 * The book of measurements: one JSON line for each round of each section, below `.bench` (ignored by git), so that a bench
 * can be continued, and one section repeated, without the others.
 *
 * A row of a round is `{ what, at?, value, unit }`: `at` is the place on a curve (photos, megapixels, devices). The unit `x`
 * marks a ratio of two things measured in the same round.
 */
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../.bench', import.meta.url));
const pathOf = (section) => join(FOLDER, `${section}.jsonl`);

/** Rounds of a section, oldest first. */
export async function readRounds(section) {
  const text = await readFile(pathOf(section), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export async function writeRound(section, round) {
  await mkdir(FOLDER, { recursive: true });
  await appendFile(pathOf(section), `${JSON.stringify(round)}\n`);
}

export const forget = (section) => rm(pathOf(section), { force: true });

/** The value below which `share` of all lie. */
export function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Middle of an odd number of values, mean of the two middle ones of an even number. */
export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The same row over all rounds, as one line: `{ what, at, unit, values, min, median, max }`, in order of appearance. */
export function linesOf(rounds) {
  const lines = new Map();
  for (const { what, at, unit, value } of rounds.flatMap(({ rows }) => rows)) {
    const key = JSON.stringify([what, at, unit]);
    if (!lines.has(key)) lines.set(key, { what, at, unit, values: [] });
    lines.get(key).values.push(value);
  }
  return [...lines.values()].map((line) => ({
    ...line,
    min: Math.min(...line.values),
    median: median(line.values),
    max: Math.max(...line.values),
  }));
}

/** Lines of one curve, by their place on it. */
export const curve = (lines, what) =>
  lines.filter((line) => line.what === what).sort((left, right) => left.at - right.at);

export const middleOf = (lines, what, at) => lines.find((line) => line.what === what && line.at === at)?.median;
