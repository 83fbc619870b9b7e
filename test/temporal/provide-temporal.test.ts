// Property: a server that somebody named is used and nothing is fetched; else the newest-enough program on PATH; else the one in
// the cache. Temporal's own configuration profile counts as naming one, and the environment wins over it.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, type Environment } from '../../src/contracts/config.ts';
import { provideTemporal, type ProvidedTemporal } from '../../src/temporal/provide-temporal.ts';
import { isRecent } from '../../src/temporal/temporal-on-path.ts';
import { TEMPORAL_RELEASE, wheelFor } from '../../src/temporal/temporal-release.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-provide-'));
  await mkdir(join(folder, 'bin'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function provide(more: Environment = {}): Promise<ProvidedTemporal> {
  const environment = { PATH: `${join(folder, 'bin')}:/bin`, HOME: folder, CACHE_DIR: join(folder, 'cache'), ...more };
  const { signal } = new AbortController();
  return await provideTemporal(parseConfig(environment), {
    environment,
    platform: 'linux',
    architecture: 'x64',
    signal,
  });
}

async function program(path: string, version: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho 'temporal version ${version} (Server 1.32.0, UI 2.54.1)'\n`);
  await chmod(path, 0o755);
}

const cached = (): string => join(folder, 'cache/temporal', TEMPORAL_RELEASE.version, 'temporal');

describe('provideTemporal', () => {
  it('takes the address of the environment', async () => {
    expect(await provide({ TEMPORAL_ADDRESS: 'temporal.example:7233' })).toEqual({
      kind: 'address',
      address: 'temporal.example:7233',
      namespace: 'default',
    });
  });

  it("takes the address and namespace of Temporal's profile", async () => {
    const profile = join(folder, 'temporal.toml');
    await writeFile(profile, '[profile.default]\naddress = "cloud.example:7233"\nnamespace = "photos"\n');
    const expected = { kind: 'address', address: 'cloud.example:7233', namespace: 'photos' };
    expect(await provide({ TEMPORAL_CONFIG_FILE: profile })).toEqual(expected);
    expect(await provide({ TEMPORAL_CONFIG_FILE: profile, TEMPORAL_NAMESPACE: 'mine' })).toMatchObject({
      namespace: 'mine',
    });
  });

  it('says what is wrong with a profile that cannot be read', async () => {
    await expect(provide({ TEMPORAL_PROFILE: 'nobody' })).rejects.toMatchObject({ code: 'temporal_unavailable' });
  });

  it('takes a recent program on PATH, and passes over an old one', async () => {
    await program(join(folder, 'bin/temporal'), '1.9.1');
    expect(await provide()).toEqual({ kind: 'program', program: 'temporal', source: 'path' });
    await program(join(folder, 'bin/temporal'), '1.1.0');
    await program(cached(), TEMPORAL_RELEASE.version);
    expect(await provide()).toEqual({ kind: 'program', program: cached(), source: 'cache' });
  });
});

describe('wheelFor', () => {
  it('has a wheel of its own for every platform there is one for', () => {
    const platforms = ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64'].map((both) => both.split(' '));
    const wheels = platforms.map(([platform = '', architecture = '']) => wheelFor(platform, architecture));
    expect(new Set(wheels.map((wheel) => wheel?.sha256)).size).toBe(4);
    expect(wheelFor('sunos', 'sparc')).toBeUndefined();
  });
});

describe('isRecent', () => {
  it.each([
    ['temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)', true],
    ['temporal version 1.5.0 (Server 1.29.0, UI 2.42.1)', true],
    ['temporal version 2.0.0', true],
    ['temporal version 1.4.9', false],
    ['temporal: not the one you mean', false],
  ])('%s → %s', (line, recent) => expect(isRecent(line)).toBe(recent));
});
