import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root as packageRoot, runNode, runProgram, say, Trouble } from './command.mjs';
import { hashOf, isStamped, stamp } from './stamp.mjs';

/** Brings a clone to the point where it can run: Node looked at, packages installed, sources built; each only when needed. */

const OLDEST_NODE = [20, 19];
const SOURCES = [
  'src',
  'web',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
  'scripts/build.mjs',
];

export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new Trouble(
    `Darkroom needs Node.js ${OLDEST_NODE.join('.')} or newer and this is ${version}: install a newer one from nodejs.org.`,
  );
}

const installHash = (root) => `${hashOf(root, ['package-lock.json'])} ${process.platform} ${process.arch}`;
const installStamp = (root) => join(root, 'node_modules', '.darkroom-installed');

/** Whether node_modules belongs to this package-lock.json. */
export function isInstalled(root = packageRoot) {
  if (isStamped(installStamp(root), installHash(root))) return true;
  // Installed by hand: npm writes down what it installed, as its last act.
  if (existsSync(installStamp(root)) || !holdsAll(root)) return false;
  stamp(installStamp(root), installHash(root));
  return true;
}

function holdsAll(root) {
  const [wanted, present] = ['package-lock.json', 'node_modules/.package-lock.json'].map((name) => {
    const path = join(root, name);
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
  });
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

export async function ensureInstalled() {
  if (isInstalled()) return;
  say('Installing packages …');
  let { code, output } = await npm(['ci', '--include=dev', '--loglevel=error']);
  // A lock file from a machine whose registry lacked packages for other platforms is refused as a whole; an installation that
  // leaves the lock file alone adds what this platform needs and keeps every version that is locked.
  if (code !== 0 && output.includes('EUSAGE')) {
    ({ code, output } = await npm(['install', '--no-save', '--include=dev', '--loglevel=error']));
  }
  if (code !== 0) {
    throw new Trouble(
      `${output.trim()}\nThe packages could not be installed: see the lines above, check the network and run it again.`,
    );
  }
  stamp(installStamp(packageRoot), installHash(packageRoot));
}

/** The npm that runs this script, else the one on PATH. */
async function npm(args) {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js') ? await runNode(script, args) : await runProgram('npm', args);
}

const buildStamp = (root) => join(root, 'dist', '.built-from');

/** Whether dist was built from exactly these sources. */
export const isBuilt = (root = packageRoot) => isStamped(buildStamp(root), hashOf(root, SOURCES));

/** Written into a build before it takes its place. */
export const stampBuild = (dist, root = packageRoot) => stamp(join(dist, '.built-from'), hashOf(root, SOURCES));

export async function ensureBuilt() {
  if (isBuilt()) return;
  say('Building …');
  const { code } = await runNode(join(packageRoot, 'scripts/build.mjs'), [], { show: true });
  if (code !== 0) throw new Trouble('The build failed: see the lines above.');
}
