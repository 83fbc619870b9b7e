/** A tile is as large as was asked for, or half or a quarter of that where memory is short; what was measured counts before the catalogue. */
import { describe, expect, it } from 'vitest';
import { tileWithin } from '../../src/inference/memory-model.ts';
import type { EngineModel } from '../../src/inference/protocol.ts';

const model: EngineModel = {
  name: 'net',
  graphPath: 'none',
  scale: 4,
  overlap: { pixels: 48, join: 'feather' },
  memory: { baseBytes: 230e6, bytesPerWindowPixel: 12_000 },
};
const needed = (tile: number, bytesPerPixel = 12_000): number => 230e6 + bytesPerPixel * (tile + 96) ** 2;

describe('tileWithin', () => {
  it('goes from 512 to 256 to 128 with the budget, and no further', () => {
    expect(tileWithin(model, 512, needed(512))).toBe(512);
    expect(tileWithin(model, 512, needed(512) - 1)).toBe(256);
    expect(tileWithin(model, 512, needed(256) - 1)).toBe(128);
    expect(tileWithin(model, 512, 0)).toBe(128);
    expect(tileWithin(model, 400, needed(300))).toBe(200);
  });

  it('believes what was measured', () => {
    expect(tileWithin(model, 512, needed(512), 13_000)).toBe(256);
    expect(tileWithin(model, 512, needed(512, 9_000), 9_000)).toBe(512);
  });

  it('takes what was asked for when nothing is known of the device', () => {
    expect(tileWithin(model, 512, Infinity)).toBe(512);
  });
});
