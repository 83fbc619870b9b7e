// Our graph gives what the network gives when it is computed by the book, for every size, and keeps upstream's numbers.
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertModel } from '../../src/models/convert.ts';
import { computeTiny, CONVOLUTIONS, halfFloats, testPixels, TINY_PARAM, tinyBin, tinyEntry } from './tiny-network.ts';

describe('convertModel', () => {
  const graph = convertModel(tinyEntry([]), TINY_PARAM, tinyBin());
  let session: InferenceSession;

  beforeAll(async () => {
    session = await InferenceSession.create(graph, { intraOpNumThreads: 1 });
  });
  afterAll(async () => {
    await session.release();
  });

  it.each([
    [1, 1],
    [2, 2],
    [7, 5],
    [33, 3],
    [16, 24],
  ])('agrees to one level at %i x %i', async (width, height) => {
    const pixels = testPixels(width, height);
    const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, height, width, 3]) });
    const expected = computeTiny(pixels, width, height);
    expect(output?.dims).toEqual([1, height * 4, width * 4, 3]);
    const found = output?.data;
    if (!(found instanceof Uint8Array)) throw new TypeError('Expected bytes');
    const differences = expected.map((level, at) => Math.abs(level - (found[at] ?? 0)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    // Sums in another order may round the other way now and then, not often.
    expect(differences.filter((difference) => difference > 0).length / differences.length).toBeLessThan(0.01);
  });

  it('stores the half floats of upstream unchanged', () => {
    for (const { weights } of CONVOLUTIONS) expect(Buffer.from(graph).includes(halfFloats(weights))).toBe(true);
  });

  it('makes the same bytes from the same files', () => {
    expect(Buffer.from(convertModel(tinyEntry([]), TINY_PARAM, tinyBin())).equals(graph)).toBe(true);
  });
});
