// Property: however much a process writes, its logs stay within two files, and what it wrote last is there.
import { closeSync, mkdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog, shortenLog } from '../../src/cli/supervisor/log-file.ts';

const MB = 1_000_000;
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-log-'));
  path = join(folder, 'worker.log');
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

it('is shortened under a process that writes on', () => {
  const log = openLog(path);
  for (let round = 0; round < 4; round += 1) {
    writeSync(log, 'x'.repeat(11 * MB));
    shortenLog(path);
    writeSync(log, `round ${round}\n`);
  }
  closeSync(log);
  expect(readFileSync(path, 'utf8')).toBe('round 3\n');
  expect(sizeOf(`${path}.1`)).toBeLessThan(12 * MB);
});

it('is left alone while it is short', () => {
  const log = openLog(path);
  writeSync(log, 'a line\n');
  shortenLog(path);
  closeSync(log);
  expect(readFileSync(path, 'utf8')).toBe('a line\n');
  expect(sizeOf(`${path}.1`)).toBe(0);
});

it('is emptied where no copy can be kept, before it fills the disk', () => {
  mkdirSync(`${path}.1`); // stands in for a disk without room
  const log = openLog(path);
  writeSync(log, 'x'.repeat(11 * MB));
  expect(() => shortenLog(path)).not.toThrow();
  expect(sizeOf(path)).toBe(11 * MB);
  writeSync(log, 'x'.repeat(11 * MB));
  shortenLog(path);
  closeSync(log);
  expect(sizeOf(path)).toBe(0);
});
