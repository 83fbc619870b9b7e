import { modelEntrySchema } from '../../src/contracts/models.ts';
import type { InstalledModel } from '../../src/inference/engine.ts';

const checksum = 'a'.repeat(64);

/** An installed model in name only, for tests in which no network runs. */
export const photoModel = (name = 'realesr-general-x4v3'): InstalledModel => ({
  entry: modelEntrySchema.parse({
    name,
    title: name,
    role: 'photo',
    architecture: 'srvgg',
    files: {
      param: { name: 'x.param', bytes: 1, sha256: checksum },
      bin: { name: 'x.bin', bytes: 1, sha256: checksum },
    },
    sources: [{ kind: 'url', urls: { 'x.bin': 'https://example.org/x.bin' } }],
    scale: 4,
    teraflopPerMegapixel: 2.42,
    overlap: { pixels: 34, join: 'cut' },
    memory: { baseBytes: 1, bytesPerWindowPixel: 1 },
    vector: { input: 'x', output: 'y', maxDifference: 1 },
    default: true,
    licence: { spdx: 'BSD-3-Clause', holder: 'x', origin: 'x' },
  }),
  graphPath: 'none',
  weights: checksum,
});
