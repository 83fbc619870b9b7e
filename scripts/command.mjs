import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failure that is told in one sentence, without a stack. */
export class Trouble extends Error {}

/** Runs a program in the package's folder; `show` lets its output through, else it is kept. */
export function runProgram(program, args, { show = false, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', show ? 2 : 'pipe', show ? 2 : 'pipe'] });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Runs a Node script of a package that is installed here. */
export const runNode = (script, args, options) => runProgram(process.execPath, [script, ...args], options);

export const say = (line) => process.stderr.write(`${line}\n`);

/** Runs a script's main function: trouble becomes a sentence and exit code 1. */
export async function main(work) {
  try {
    process.exitCode = await work(process.argv.slice(2));
  } catch (error) {
    say(error instanceof Trouble ? error.message : (error?.stack ?? String(error)));
    process.exitCode = 1;
  }
}
