// The network of the package itself: it is there without any network, as small and as plain as it was built to be, and
// its tiles meet exactly.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelEntry } from '../../src/contracts/models.ts';
import { readCatalogue } from '../../src/models/catalogue.ts';
import { installModel, type Installed } from '../../src/models/install-model.ts';
import { decodeModel } from '../../src/models/onnx-proto.ts';
import { testPixels } from './tiny-network.ts';

const SIDE = 64;

describe('the network in the box', () => {
  let folder: string;
  let entry: ModelEntry;
  let installed: Installed;
  let session: InferenceSession;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-own-'));
    const ours = (await readCatalogue()).filter(({ sources }) => sources.some(({ kind }) => kind === 'included'));
    entry = ours.find(({ int8 }) => int8 === undefined) ?? never();
    // An environment without a registry, proxy or search path: whatever is fetched would fail.
    const signal = AbortSignal.timeout(60_000);
    installed = await installModel(entry, { cacheDir: folder, mirrorDir: '', environment: {}, signal });
    session = await InferenceSession.create(installed.model.graphPath, { intraOpNumThreads: 1 });
  });
  afterAll(async () => {
    await session.release();
    await rm(folder, { recursive: true });
  });

  async function enlarge(pixels: Uint8Array): Promise<Uint8Array> {
    const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
    return output?.data instanceof Uint8Array ? output.data : never();
  }

  it('is installed from the package, with nothing to fetch it from', () => {
    expect(installed.from).toBe('included');
    expect(entry).toMatchObject({ role: 'photo', licence: { spdx: 'MIT' } });
    expect(entry.files.bin.bytes).toBeLessThan(3 * 2 ** 20);
  });

  it('is convolutions and ReLU only, which the runtime never leaves its fast layout for', async () => {
    const { graph } = decodeModel(await readFile(installed.model.graphPath));
    const used = new Set(graph.node.map(({ opType }) => opType));
    expect([...used].filter((type) => !PLAIN.has(type))).toEqual([]);
    expect(graph.node.filter(({ opType }) => opType === 'Conv')).toHaveLength(13);
  });

  it('reaches exactly as far as the overlap of its tiles', async () => {
    const pixels = testPixels(SIDE, SIDE);
    const before = await enlarge(pixels);
    const middle = (32 * SIDE + 32) * 3;
    pixels[middle] = 255 - (pixels[middle] ?? 0);
    const after = await enlarge(pixels);
    const changed = [...before.keys()].filter((at) => before[at] !== after[at]).map((at) => Math.floor(at / 3));
    const reach = changed.map((at) => Math.max(distance(at % (4 * SIDE)), distance(Math.floor(at / (4 * SIDE)))));
    expect(Math.max(...reach)).toBeGreaterThan(entry.overlap.pixels / 2);
    expect(Math.max(...reach)).toBeLessThanOrEqual(entry.overlap.pixels);
  });

  it.each([[[200, 120, 60]], [[255, 0, 0]], [[0, 255, 0]], [[0, 0, 255]], [[20, 120, 40]], [[250, 60, 130]]])(
    'leaves the even colour %j even and as it is',
    async (colour) => {
      const flat = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => colour[at % 3] ?? 0);
      const made = await enlarge(flat);
      const margin = entry.overlap.pixels * 4;
      let worst = 0;
      for (let y = margin; y < 4 * SIDE - margin; y += 1) {
        for (let x = margin * 3; x < (4 * SIDE - margin) * 3; x += 1) {
          worst = Math.max(worst, Math.abs((made[y * 4 * SIDE * 3 + x] ?? 0) - (colour[x % 3] ?? 0)));
        }
      }
      expect(worst).toBeLessThanOrEqual(1);
    },
  );
});

const PLAIN = new Set(['Cast', 'Transpose', 'Mul', 'Conv', 'Relu', 'DepthToSpace', 'Resize', 'Add', 'Clip', 'Round']);

/** Input pixels between a line of the result and the pixel that was changed. */
const distance = (line: number): number => Math.abs(Math.floor(line / 4) - 32);

function never(): never {
  throw new TypeError('Expected a picture and an entry');
}
