/** Whatever size is asked for, the steps lead there from the photo's, with one pass of the network up to its factor and two beyond. */
import { describe, expect, it } from 'vitest';
import { describeEnlargement, planEnlargement } from '../../src/contracts/enlargement.ts';
import { SCALES, type EnhanceOptions } from '../../src/contracts/options.ts';

type Asked = Pick<EnhanceOptions, 'scale' | 'targetWidth' | 'targetHeight'>;
const ask = (asked: Partial<Asked>): Asked => ({ scale: 4, targetWidth: null, targetHeight: null, ...asked });
const photo = { width: 301, height: 203 };

const asked: [string, Asked][] = [
  ...SCALES.map((scale): [string, Asked] => [`scale ${scale}`, ask({ scale })]),
  ['a width below the photo’s', ask({ targetWidth: 100 })],
  ['a height between', ask({ targetHeight: 555 })],
  ['a width just above four times', ask({ targetWidth: 1205 })],
  ['a box of nearly eight times', ask({ targetWidth: 2400, targetHeight: 1600 })],
];

describe('planEnlargement', () => {
  it.each(asked)('leads to %s without a gap', (_, options) => {
    const { steps, result } = planEnlargement(photo, options, 4);
    expect(steps[0]?.from).toEqual(photo);
    expect(steps.at(-1)?.to).toEqual(result);
    for (const [index, { kind, from, to }] of steps.entries()) {
      if (index > 0) expect(from).toEqual(steps[index - 1]?.to);
      if (kind === 'network') expect([to.width, to.height]).toEqual([from.width * 4, from.height * 4]);
    }
    const passes = steps.filter(({ kind }) => kind === 'network').length;
    expect(passes).toBe(result.width > photo.width * 4 || result.height > photo.height * 4 ? 2 : 1);
  });

  it('takes the second pass over no more than it needs', () => {
    const { steps } = planEnlargement(photo, ask({ scale: 8 }), 4);
    expect(steps.map(({ kind, to }) => [kind, to.width, to.height])).toEqual([
      ['network', 1204, 812],
      ['resample', 602, 406],
      ['network', 2408, 1624],
    ]);
  });

  it('is told in a sentence that claims nothing more', () => {
    const eight = describeEnlargement(planEnlargement(photo, ask({ scale: 8 }), 4), 'net');
    expect(eight).toBe(
      'Two passes of the network: 301 x 203, enlarged 4 times by net to 1204 x 812, then reduced to 602 x 406 by resampling (Lanczos), then enlarged 4 times by net to 2408 x 1624.',
    );
    const two = describeEnlargement(planEnlargement(photo, ask({ scale: 2 }), 4), 'net');
    expect(two).toContain('One pass of the network');
    expect(two).toContain('reduced to 602 x 406');
  });

  it('refuses what no network can do', () => {
    expect(() => planEnlargement(photo, ask({ targetWidth: 301 * 8 + 8 }), 4)).toThrowError(/8 times/);
  });
});
