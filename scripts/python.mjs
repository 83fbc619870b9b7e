import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runProgram, say } from './command.mjs';

/** Python packages that tests speak with, in a virtual environment for each list of them; the user's own are not touched. */

const WINDOWS = process.platform === 'win32';
const PYTHONS = WINDOWS ? ['python', 'py'] : ['python3', 'python'];
const INSIDE = WINDOWS ? 'Scripts/python.exe' : 'bin/python';

const cacheDir = () =>
  process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');

/**
 * Installs a list of pinned packages once.
 * @returns the environment's own Python, or `undefined` after a sentence that says what cannot run and why.
 */
export async function providePython(name, requirementsFile, purpose) {
  const requirements = readFileSync(requirementsFile, 'utf8');
  for (const program of PYTHONS) {
    const { code, output } = await runProgram(program, ['-c', 'import pip, venv, sys; print(sys.version_info[:2])']);
    if (code !== 0) continue;
    const version = output.replace(/\D+/g, ' ').trim().replace(' ', '.');
    const folder = join(cacheDir(), 'python', `${name}-${version}`);
    if (readStamp(folder) !== requirements) {
      const fault = await install(program, folder, requirementsFile);
      if (fault !== undefined) {
        say(`SKIPPED: ${purpose}, because pip could not install their packages (${fault}).`);
        return undefined;
      }
      writeFileSync(join(folder, STAMP), requirements);
    }
    return join(folder, INSIDE);
  }
  say(`SKIPPED: ${purpose}, because there is no Python 3 with pip and venv.`);
  return undefined;
}

const STAMP = '.installed-from';

const readStamp = (folder) => {
  const stamp = join(folder, STAMP);
  return existsSync(stamp) && existsSync(join(folder, INSIDE)) ? readFileSync(stamp, 'utf8') : undefined;
};

/**
 * Beside its place first: nobody ever sees half of it. The pip is the one that is there, since many systems have none to put
 * into a new environment. @returns what went wrong.
 */
async function install(program, folder, requirementsFile) {
  const draft = `${folder}.${process.pid}`;
  const quiet = ['--quiet', '--no-input', '--disable-pip-version-check'];
  const pip = ['-m', 'pip', '--python', join(draft, INSIDE), 'install', ...quiet, '--requirement', requirementsFile];
  for (const args of [['-m', 'venv', '--without-pip', draft], pip]) {
    const { code, output } = await runProgram(program, args);
    if (code === 0) continue;
    rmSync(draft, { recursive: true, force: true });
    return output.trim().split('\n').at(-1);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
  return undefined;
}
