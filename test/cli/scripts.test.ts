// Property: setting up is done exactly when its inputs changed in content, not in time.
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Scripts {
  readonly hashOf: (root: string, names: readonly string[]) => string;
  readonly isInstalled: (root: string) => boolean;
  readonly isBuilt: (root: string) => boolean;
  readonly stampBuild: (dist: string, root: string) => void;
  readonly requireNode: (version: string) => void;
}

// Plain JavaScript without types: it has to run before anything is installed.
const load = async (name: string): Promise<Scripts> =>
  await import(new URL(`../../scripts/${name}`, import.meta.url).href);

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'darkroom-scripts-'));
  await mkdir(join(root, 'src'));
  await mkdir(join(root, 'dist'));
  await mkdir(join(root, 'node_modules'));
  await writeFile(join(root, 'src/a.ts'), 'a');
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

describe('a build', () => {
  it('is fresh until a source changes, appears, or goes', async () => {
    const { isBuilt, stampBuild } = await load('setup.mjs');
    expect(isBuilt(root)).toBe(false);
    stampBuild(join(root, 'dist'), root);
    const later = new Date(Date.now() + 60_000);
    await utimes(join(root, 'src/a.ts'), later, later);
    expect(isBuilt(root)).toBe(true);
    await writeFile(join(root, 'src/b.ts'), '');
    expect(isBuilt(root)).toBe(false);
    await rm(join(root, 'src/b.ts'));
    expect(isBuilt(root)).toBe(true);
    await writeFile(join(root, 'src/a.ts'), 'b');
    expect(isBuilt(root)).toBe(false);
  });

  it('cannot be fooled by bytes that move from one file to the next', async () => {
    const { hashOf } = await load('stamp.mjs');
    await writeFile(join(root, 'src/b.ts'), 'b');
    const before = hashOf(root, ['src']);
    await writeFile(join(root, 'src/a.ts'), 'ab');
    await writeFile(join(root, 'src/b.ts'), '');
    expect(hashOf(root, ['src'])).not.toBe(before);
  });
});

describe('an installation', () => {
  const lock = (version: string): string =>
    JSON.stringify({
      packages: { '': {}, 'node_modules/x': { version }, 'node_modules/win': { version: '1', optional: true } },
    });

  it('by hand is taken as it is when it has every package of the lock file', async () => {
    const { isInstalled } = await load('setup.mjs');
    await writeFile(join(root, 'package-lock.json'), lock('1.0.0'));
    expect(isInstalled(root)).toBe(false);
    await writeFile(
      join(root, 'node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/x': { version: '1.0.0' } } }),
    );
    expect(isInstalled(root)).toBe(true);
  });

  it('is old when the lock file asks for something else', async () => {
    const { isInstalled } = await load('setup.mjs');
    await writeFile(join(root, 'package-lock.json'), lock('1.0.0'));
    await writeFile(
      join(root, 'node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/x': { version: '1.0.0' } } }),
    );
    expect(isInstalled(root)).toBe(true);
    await writeFile(join(root, 'package-lock.json'), lock('1.1.0'));
    expect(isInstalled(root)).toBe(false);
  });
});

it('an old Node is refused in one sentence', async () => {
  const { requireNode } = await load('setup.mjs');
  for (const version of ['20.19.0', '22.1.0', '24.0.0']) expect(() => requireNode(version)).not.toThrow();
  for (const version of ['18.20.4', '20.18.3'])
    expect(() => requireNode(version)).toThrow(/needs Node\.js 20\.19 or newer/);
});
