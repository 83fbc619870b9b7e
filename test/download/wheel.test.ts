// Property: a wheel is used only when every byte is the pinned one, and whatever is missing on the machine (Python, pip, network,
// disk) becomes one typed error with a sentence. A local program stands in for Python: it is the network that is faked.
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DarkroomError } from '../../src/contracts/errors.ts';
import { downloadWheel } from '../../src/download/wheel.ts';

let folder: string;
const content = 'the very bytes';
const wheel = {
  name: 'thing-1.0-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-wheel-'));
  await mkdir(join(folder, 'bin'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** Puts a `python3` on a PATH of its own; `$DEST` is where pip is asked to put files. */
async function python(script: string): Promise<void> {
  const path = join(folder, 'bin/python3');
  const findDest = 'while [ $# -gt 0 ]; do if [ "$1" = --dest ]; then DEST="$2"; fi; shift; done';
  await writeFile(path, `#!/bin/sh\nprintf '%s ' "$@" > '${folder}/arguments'\n${findDest}\n${script}\n`);
  await chmod(path, 0o755);
}

const fetch = async (): Promise<string> =>
  await downloadWheel({
    package: 'thing',
    version: '1.0',
    wheel,
    directory: join(folder, 'cache'),
    environment: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
  });

async function failure(): Promise<DarkroomError> {
  const error: unknown = await fetch().catch((thrown: unknown) => thrown);
  if (!(error instanceof DarkroomError)) throw new TypeError(`Expected a DarkroomError but received ${String(error)}`);
  expect((await readdir(join(folder, 'cache'))).length, 'nothing is left behind').toBe(0);
  return error;
}

const deliver = (text: string): string => `mkdir -p "$DEST" && printf '%s' '${text}' > "$DEST/${wheel.name}"`;

describe('downloadWheel', () => {
  it('fetches once, for the platform of the wheel, and then uses what is there', async () => {
    await python(deliver(content));
    const path = await fetch();
    expect(await readFile(path, 'utf8')).toBe(content);
    const asked = await readFile(join(folder, 'arguments'), 'utf8');
    expect(asked).toContain('--platform manylinux2014_x86_64 --platform musllinux_1_1_x86_64');
    expect(asked).toContain('thing==1.0');
    await python('exit 9');
    expect(await fetch()).toBe(path);
  });

  it('refuses other bytes of the same length', async () => {
    await python(deliver('the very bites'));
    expect((await failure()).code).toBe('download_corrupt');
  });

  it('refuses a file that breaks off', async () => {
    await python(deliver('the very'));
    expect((await failure()).message).toContain('8 bytes where 14 are expected');
  });

  it('tells a missing pip from a failing one', async () => {
    await python('echo "/usr/bin/python3: No module named pip" >&2; exit 1');
    const error = await failure();
    expect(error.code).toBe('python_missing');
    expect(error.message).toContain('pip');
  });

  it('says that there is no network', async () => {
    await python('echo "WARNING: NewConnectionError: Name or service not known" >&2; exit 1');
    const error = await failure();
    expect([error.code, error.message]).toEqual([
      'download_failed',
      'The package index cannot be reached: there seems to be no network.',
    ]);
  });

  it('says that the disk is full', async () => {
    await python(
      'echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"; exit 1',
    );
    expect((await failure()).code).toBe('storage_full');
  });

  it('passes on the reason of pip', async () => {
    await python('echo "ERROR: No matching distribution found for thing==1.0" >&2; exit 1');
    expect((await failure()).message).toBe('pip failed: No matching distribution found for thing==1.0');
  });

  it('says that there is no Python', async () => {
    const environment = { PATH: join(folder, 'bin') };
    const pull = { package: 'thing', version: '1.0', wheel, directory: join(folder, 'cache'), environment };
    await expect(downloadWheel(pull)).rejects.toMatchObject({ code: 'python_missing' });
  });
});
