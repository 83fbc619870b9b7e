/** Installs the peers once, pinned, into folders of the cache that are theirs alone. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providePython } from '../../scripts/python.mjs';
import { cacheDir } from '../engine-stage.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Python with the peers from its index: 3 GB, because torch brings its CUDA libraries along. The one that runs on ncnn wants
 * `libvulkan1` and `libomp5` of the system; it is run on the processor.
 * @returns the Python to start, or `undefined` after a sentence that says why there is none.
 */
export const providePeers = () =>
  providePython('peers', here('requirements.txt'), 'the comparison with peers in Python');

/** @returns the folder with UpscalerJS in its node_modules. */
export async function provideUpscaler() {
  const folder = join(cacheDir, 'node-peers');
  const wanted = await readFile(here('package.json'), 'utf8');
  const stamp = join(folder, '.installed-from');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return folder;
  await mkdir(folder, { recursive: true });
  await copyFile(here('package.json'), join(folder, 'package.json'));
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  execFileSync('npm', install, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  await writeFile(stamp, wanted);
  return folder;
}

/** Runs one peer to its end; answers the line of JSON it closes with, and seconds from its start to its first result. */
export function runPeer(program, args) {
  const startedAt = Date.now() / 1000;
  const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const said = JSON.parse(output.trim().split('\n').at(-1));
  return { ...said, firstSeconds: said.firstAt - startedAt };
}
