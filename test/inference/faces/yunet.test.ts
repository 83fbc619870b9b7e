/** YuNet's outputs are read as it was trained to write them, each face once. */
import { expect, it } from 'vitest';
import { oneEach, overlap, readYunet, yunetInput, type DetectedFace } from '../../../src/inference/faces/yunet.ts';

const WIDTH = 64;
const HEIGHT = 40; // padded to 64

function silence(): Map<string, Float32Array> {
  const outputs = new Map<string, Float32Array>();
  for (const stride of [8, 16, 32]) {
    const cells = (64 / stride) * (64 / stride);
    for (const [kind, values] of [
      ['cls', 1],
      ['obj', 1],
      ['bbox', 4],
      ['kps', 10],
    ] as const) {
      outputs.set(`${kind}_${stride}`, new Float32Array(cells * values));
    }
  }
  return outputs;
}

function say(outputs: Map<string, Float32Array>, stride: number, cell: number, score: number): void {
  outputs.get(`cls_${stride}`)?.fill(score, cell, cell + 1);
  outputs.get(`obj_${stride}`)?.fill(score, cell, cell + 1);
  outputs.get(`bbox_${stride}`)?.set([0.5, 0.25, Math.log(2), Math.log(3)], cell * 4);
  outputs.get(`kps_${stride}`)?.set([0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1], cell * 10);
}

it('places box and points relative to the cell, in units of the stride', () => {
  const outputs = silence();
  say(outputs, 16, 6, 0.81); // second row, third column of four
  const [face, ...others] = readYunet(outputs, WIDTH, HEIGHT);
  expect(others).toEqual([]);
  expect(face?.score).toBeCloseTo(0.81, 6);
  expect(face?.width).toBeCloseTo(32, 4);
  expect(face?.height).toBeCloseTo(48, 4);
  expect(face?.left).toBeCloseTo(2.5 * 16 - 16, 4);
  expect(face?.top).toBeCloseTo(1.25 * 16 - 24, 4);
  expect(face?.points[0]).toEqual({ x: 32, y: 16 });
  expect(face?.points[4]).toEqual({ x: 48, y: 32 });
});

it('hears nothing below its threshold, and no echo of a face it has', () => {
  const outputs = silence();
  say(outputs, 8, 3, 0.59);
  expect(readYunet(outputs, WIDTH, HEIGHT)).toEqual([]);
  say(outputs, 32, 0, 0.9);
  say(outputs, 32, 1, 0.8); // half a width beside it
  expect(readYunet(outputs, WIDTH, HEIGHT).map(({ score }) => score)).toHaveLength(1);
});

it('keeps the likeliest of faces that overlap and all that do not', () => {
  const at = (left: number, score: number): DetectedFace => ({
    left,
    top: 0,
    width: 10,
    height: 10,
    score,
    points: [],
  });
  expect(oneEach([at(0, 0.7), at(2, 0.9), at(20, 0.8)]).map(({ left }) => left)).toEqual([2, 20]);
  expect(overlap(at(0, 1), at(5, 1))).toBeCloseTo(1 / 3, 9);
});

it('is given blue, green, red, with black where the sides are no multiples of 32', () => {
  const { data, dims } = yunetInput(Uint8Array.from([1, 2, 3, 4, 5, 6]), 2, 1);
  expect(dims).toEqual([1, 3, 32, 32]);
  const plane = 32 * 32;
  expect([data[0], data[1], data[plane], data[plane + 1], data[2 * plane], data[2 * plane + 1]]).toEqual([
    3, 6, 2, 5, 1, 4,
  ]);
  expect(data.reduce((sum, value) => sum + value, 0)).toBe(21);
});
