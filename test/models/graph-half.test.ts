/** A network in half floats, as graphics processors get it, makes the picture that it makes in 32 bits, within two levels. */
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/models/graph-builder.ts';
import { halve } from '../../src/models/graph-half.ts';
import { buildSrvgg } from '../../src/models/graph-srvgg.ts';
import { fromHalfFloats, toHalfFloats } from '../../src/models/half-float.ts';
import { readNetwork } from '../../src/models/network.ts';
import { DATA_TYPE, decodeModel } from '../../src/models/onnx-proto.ts';
import { installed } from '../inference/support.ts';
import { testPixels, tinyBin, TINY_PARAM } from './tiny-network.ts';

const SIDE = 48;

async function run(graph: Uint8Array, pixels: Uint8Array): Promise<Uint8Array> {
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
    if (!(output?.data instanceof Uint8Array)) throw new TypeError('Expected bytes for the output');
    return output.data;
  } finally {
    await session.release();
  }
}

function differences(some: Uint8Array, others: Uint8Array): { most: number; beyondOne: number } {
  const off = [...some].map((level, at) => Math.abs(level - (others[at] ?? 0)));
  return {
    most: off.reduce((most, one) => Math.max(most, one), 0),
    beyondOne: off.filter((one) => one > 1).length / off.length,
  };
}

const cropOf = (sample: string): Promise<Buffer> =>
  sharp(new URL(`../../samples/${sample}`, import.meta.url).pathname)
    .extract({ left: 150, top: 90, width: SIDE, height: SIDE })
    .removeAlpha()
    .raw()
    .toBuffer();

describe('toHalfFloats', () => {
  it('gives every half float back, and the nearest, even one for what lies between', () => {
    const finite = Uint16Array.from({ length: 0x7c00 * 2 }, (_, at) => (at < 0x7c00 ? at : 0x8000 + at - 0x7c00));
    const bytes = new Uint8Array(finite.buffer);
    expect(toHalfFloats(fromHalfFloats(bytes))).toEqual(bytes);
    const between = Float32Array.of(
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      1 + 2 ** -11 + 2 ** -20,
      65_519,
      65_520,
      -1e9,
      2 ** -25,
      3 * 2 ** -26,
    );
    expect([...fromHalfFloats(toHalfFloats(between))]).toEqual([
      1,
      1 + 2 ** -9,
      1 + 2 ** -10,
      65_504,
      Infinity,
      -Infinity,
      0,
      2 ** -24,
    ]);
    expect([...fromHalfFloats(toHalfFloats(Float32Array.of(NaN)))]).toEqual([NaN]);
  });
});

const tiny = (): Uint8Array => {
  const network = readNetwork('srvgg', TINY_PARAM, tinyBin());
  if (network.architecture !== 'srvgg') throw new TypeError('Expected a compact network');
  const graph = new GraphBuilder();
  buildSrvgg(graph, network);
  return graph.build('tiny', '1', {});
};

describe('halve', () => {
  it('computes in half floats up to the last sum, with slopes as one operation and no weight in 32 bits', async () => {
    const whole = tiny();
    const half = halve(whole);
    const { node, initializer } = decodeModel(half).graph;
    const kinds = node.map(({ opType }) => opType);
    expect(kinds.filter((kind) => kind === 'PRelu')).toHaveLength(2);
    expect(kinds.filter((kind) => kind === 'Conv')).toHaveLength(3);
    expect(kinds.slice(-7)).toEqual(['Cast', 'Cast', 'Add', 'Clip', 'Round', 'Cast', 'Transpose']);
    const floats = initializer.filter(({ dataType }) => dataType === DATA_TYPE.float).map(({ name }) => name);
    expect(floats.filter((name) => name.includes('weight') || name.includes('bias'))).toEqual([]);
    const pixels = testPixels(SIDE, SIDE);
    expect(differences(await run(half, pixels), await run(whole, pixels)).most).toBeLessThanOrEqual(1);
  });

  it('refuses a graph that is not of our making', () => {
    const graph = new GraphBuilder();
    graph.node('Identity', ['input'], {}, 'output');
    expect(() => halve(graph.build('other', '1', {}))).toThrow('Expected a graph of our own making');
  });

  const networks = installed.filter(({ entry }) => entry.role === 'photo');
  it.each(networks)('makes the same picture of a real photo: $entry.name', { timeout: 120_000 }, async (network) => {
    const whole = await readFile(network.graphPath);
    const half = halve(whole);
    if (network.entry.int8 !== undefined) return expect(half).toBe(whole);
    expect(half.byteLength).toBeLessThan(whole.byteLength * 1.05);
    const pixels = await cropOf('coffee.jpg');
    const { most, beyondOne } = differences(await run(half, pixels), await run(whole, pixels));
    console.log(
      `${network.entry.name} in half floats: ${most} levels at most, ${(beyondOne * 100).toFixed(3)} % beyond one.`,
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });
});
