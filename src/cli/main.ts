#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { ConfigurationError } from '../contracts/config.ts';
import { asDarkroomError, DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import { loadConfig } from '../load-config.ts';
import { defineCommands } from './command-line.ts';
import type { Invocation } from './invocation.ts';
import { Terminal } from './terminal.ts';

/** The `darkroom` command: reads the process it runs in, once, and hands what it found to the command that was asked for. */

const distDir = dirname(dirname(fileURLToPath(import.meta.url)));
const packageDir = dirname(distDir);
const terminal = new Terminal(process.stderr);

function invocation(): Invocation {
  if (existsSync('.env')) process.loadEnvFile('.env'); // what is set already wins
  // npm runs scripts in the package's folder; people mean the one they typed the command in. Elsewhere below npm its variables
  // are left-overs of another script.
  const byNpm = process.env['npm_lifecycle_event'] === 'start';
  return {
    loaded: loadConfig(process.env),
    terminal,
    byNpm,
    command: byNpm ? 'npm start --' : 'darkroom',
    directory: resolve((byNpm ? process.env['INIT_CWD'] : undefined) ?? '.'),
    packageDir,
    scripts: { worker: join(distDir, 'worker/main.js'), api: join(distDir, 'api/main.js') },
  };
}

/** Refusals: nothing was begun, and the same command would be refused again. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['invalid_request', 'not_found', 'wrong_state']);

function explain(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  const known = asDarkroomError(error); // a full or broken disk has a sentence of its own, wherever it was met
  if (REFUSALS.has(known.code)) return known.message; // the hints to these are for clients of the API
  if (known.code !== 'internal' || error instanceof DarkroomError) return `${known.message} ${known.definition.hint}`;
  if (!(error instanceof Error)) return String(error);
  return process.env['LOG_LEVEL'] === 'debug' ? (error.stack ?? error.message) : error.message;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const refused = error instanceof DarkroomError && REFUSALS.has(error.code);
  return refused || error instanceof ConfigurationError ? 2 : 1;
}

const version = String(JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')).version);

try {
  await defineCommands(version, async (command) => {
    process.exitCode = await command(invocation());
  }).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  if (!(error instanceof CommanderError)) {
    terminal.endBar();
    terminal.line(`darkroom: ${explain(error)}`);
  }
}
