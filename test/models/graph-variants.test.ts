/** Graphs made from installed ones are the same network: with 16 bits in and out, and between two twins without a pattern of its own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { blendNetworks, type RunGraph } from '../../src/models/blend-networks.ts';
import { GraphBuilder } from '../../src/models/graph-builder.ts';
import { deepen } from '../../src/models/graph-depth.ts';
import { buildSrvgg } from '../../src/models/graph-srvgg.ts';
import { buildSrvggInt8 } from '../../src/models/graph-srvgg-int8.ts';
import { readNetwork, type SrvggNetwork } from '../../src/models/network.ts';
import { readSrvgg } from '../../src/models/read-srvgg.ts';
import { testPixels, tinyBin, TINY_PARAM } from './tiny-network.ts';

const graphOf = (network: SrvggNetwork): Uint8Array => {
  const graph = new GraphBuilder();
  buildSrvgg(graph, network);
  return graph.build('test', '1', {});
};

function srvgg(param: string, bin: Uint8Array): SrvggNetwork {
  const network = readNetwork('srvgg', param, bin);
  if (network.architecture !== 'srvgg') throw new TypeError('Expected a compact network');
  return network;
}

const tiny = graphOf(srvgg(TINY_PARAM, tinyBin()));

async function run(graph: Uint8Array, pixels: Uint8Array | Uint16Array, width: number, height: number) {
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 1 });
  try {
    const dims = [1, height, width, 3];
    const tensor =
      pixels instanceof Uint16Array ? new Tensor('uint16', pixels, dims) : new Tensor('uint8', pixels, dims);
    const { output } = await session.run({ input: tensor });
    if (!(output?.data instanceof Uint8Array || output?.data instanceof Uint16Array)) throw new TypeError('no samples');
    return Array.from(output.data);
  } finally {
    await session.release();
  }
}

describe('deepen', () => {
  it('gives at 16 bits what the graph gives at 8, and the steps between', async () => {
    const pixels = testPixels(24, 17);
    const coarse = await run(tiny, pixels, 24, 17);
    const fine = await run(
      deepen(tiny),
      Uint16Array.from(pixels, (level) => level * 257),
      24,
      17,
    );
    const off = fine.map((level, index) => Math.abs(level / 257 - (coarse[index] ?? 0)));
    expect(Math.max(...off)).toBeLessThanOrEqual(0.5 + 1 / 257);
    expect(new Set(fine).size).toBeGreaterThan(1000);
  });

  it('does so for a network in 8 bits, whose photo is finer than its detail', async () => {
    const network = srvgg(TINY_PARAM, tinyBin());
    const layers = network.layers.map((layer) => ({ ...layer, slopes: layer.slopes.map(() => 0) }));
    const builder = new GraphBuilder();
    const channels = network.last.outputChannels;
    buildSrvggInt8(builder, { ...network, layers }, (name) =>
      Array.from({ length: name === 'last' ? channels : (layers[0]?.slopes.length ?? 0) }, () => 1 / 128),
    );
    const eight = builder.build('eight', '1', {});
    const pixels = testPixels(24, 17);
    const between = Uint16Array.from(pixels, (level, index) => Math.min(65_535, level * 257 + (index % 257)));
    const [coarse, fine, finer] = [
      await run(eight, pixels, 24, 17),
      await run(
        deepen(eight),
        Uint16Array.from(pixels, (level) => level * 257),
        24,
        17,
      ),
      await run(deepen(eight), between, 24, 17),
    ];
    const off = fine.map((level, index) => Math.abs(level / 257 - (coarse[index] ?? 0)));
    expect(Math.max(...off)).toBeLessThanOrEqual(0.5 + 1 / 257);
    expect(new Set(coarse).size).toBeGreaterThan(100);
    expect(new Set(finer).size).toBeGreaterThan(1000);
  });

  it('refuses a graph that is not of our making', () => {
    const graph = new GraphBuilder();
    graph.node('Identity', ['input'], {}, 'output');
    expect(() => deepen(graph.build('other', '1', {}))).toThrow('Expected a graph of our own making');
  });
});

describe('readSrvgg', () => {
  it('reads back what was built, turned channels included', async () => {
    const pixels = testPixels(24, 17);
    const again = graphOf(readSrvgg(tiny));
    const [before, after] = [await run(tiny, pixels, 24, 17), await run(again, pixels, 24, 17)];
    expect(Math.max(...before.map((level, index) => Math.abs(level - (after[index] ?? 0))))).toBeLessThanOrEqual(1);
  });
});

const mirror = process.env['MODEL_MIRROR'] ?? fileURLToPath(new URL('../../../shared/models', import.meta.url));
const file = (name: string): string => join(mirror, `RealESRGAN_General_${name}`);
const twins = ['x4_v3.param', 'x4_v3.bin', 'WDN_x4_v3.param', 'WDN_x4_v3.bin'].every((name) => existsSync(file(name)));

describe.skipIf(!twins)('blendNetworks, on the real twins', () => {
  const load = async (name: string): Promise<Uint8Array> =>
    graphOf(srvgg(await readFile(file(`${name}.param`), 'utf8'), await readFile(file(`${name}.bin`))));
  const runGraph: RunGraph = async (graph, { pixels, width, height }) =>
    Uint8Array.from(await run(graph, pixels, width, height));

  const SIDE = 40;
  const flat = (colour: readonly number[]): Uint8Array =>
    Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => colour[at % 3] ?? 0);

  /** How far the means of the sixteen positions of the pixel shuffle lie apart, in levels; the worst of three colours. */
  async function grid(graph: Uint8Array): Promise<number> {
    let worst = 0;
    for (const colour of [
      [60, 60, 60],
      [128, 160, 210],
      [210, 150, 120],
    ]) {
      const answer = await run(graph, flat(colour), SIDE, SIDE);
      for (let channel = 0; channel < 3; channel += 1) {
        const sums = Array.from({ length: 16 }, () => 0);
        for (let y = 32; y < SIDE * 4 - 32; y += 1) {
          for (let x = 32; x < SIDE * 4 - 32; x += 1) {
            const position = (y % 4) * 4 + (x % 4);
            sums[position] = (sums[position] ?? 0) + (answer[(y * SIDE * 4 + x) * 3 + channel] ?? 0);
          }
        }
        const means = sums.map((sum) => sum / ((SIDE * 4 - 64) / 4) ** 2);
        worst = Math.max(worst, Math.max(...means) - Math.min(...means));
      }
    }
    return worst;
  }

  it('half-way there is no grid of 4 pixels in flat areas, where weights merely mixed have one', async () => {
    const [strong, weak] = [await load('x4_v3'), await load('WDN_x4_v3')];
    let merelyMixed: Uint8Array = new Uint8Array();
    const blended = await blendNetworks(strong, weak, 0.5, (graph, picture) => {
      merelyMixed = graph;
      return runGraph(graph, picture);
    });
    expect(await grid(merelyMixed)).toBeGreaterThan(3);
    expect(await grid(blended)).toBeLessThan(1.5);
  });

  it('with a share of all it is the network itself', async () => {
    const [strong, weak] = [await load('x4_v3'), await load('WDN_x4_v3')];
    const pixels = testPixels(32, 32);
    const [itself, all] = [
      await run(strong, pixels, 32, 32),
      await run(await blendNetworks(strong, weak, 1, runGraph), pixels, 32, 32),
    ];
    // The drift of the network itself, half a level, is taken out as well.
    expect(Math.max(...itself.map((level, index) => Math.abs(level - (all[index] ?? 0))))).toBeLessThanOrEqual(2);
  });
});
