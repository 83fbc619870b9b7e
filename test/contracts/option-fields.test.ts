/** Options mean the same from a form, a query string, JSON and the command line; a result's size is known before the work. */
import { describe, expect, it } from 'vitest';
import { askedOptionsSchema, optionFields, optionsFrom, showOptions } from '../../src/contracts/option-fields.ts';
import { enhanceOptionsSchema } from '../../src/contracts/options.ts';
import { resultSize } from '../../src/contracts/result-size.ts';

const DEFAULTS = { quality: 'high', tileSize: 400 } as const;

describe('the options of a batch', () => {
  it('are the same from texts and from numbers', () => {
    const texts = { scale: '8', width: '1200', denoise: '0.5', strength: '1', sharpen: '0.25', output_quality: '80' };
    const numbers = { scale: 8, width: 1200, denoise: 0.5, strength: 1, sharpen: 0.25, output_quality: 80 };
    expect(askedOptionsSchema.parse(texts)).toEqual(askedOptionsSchema.parse(numbers));
  });

  it('come back as they were asked for, under the names they were asked with', () => {
    const all = {
      quality_level: 'fast',
      tile_size: 300,
      scale: 2,
      width: null,
      height: null,
      output_format: 'webp',
      output_quality: 77,
      metadata: 'privacy',
      denoise: 0.3,
      strength: 0.9,
      sharpen: 0.1,
      face: 'on',
      fidelity: 0.8,
    } as const;
    expect(Object.keys(all)).toEqual(expect.arrayContaining(Object.keys(optionFields)));
    const { width: _width, height: _height, ...asked } = all;
    expect(showOptions(optionsFrom(asked, DEFAULTS))).toEqual(all);
  });

  it('of an older batch are read with what was done then', () => {
    const then = enhanceOptionsSchema.parse({ quality: 'fast', tileSize: 400, scale: 4 });
    expect(then).toEqual(optionsFrom({ quality_level: 'fast' }, DEFAULTS));
  });

  it.each([
    ['scale', '5', 'must be 1, 2, 3, 4 or 8'],
    ['scale', '4.0', 'must be a whole number'],
    ['denoise', '1.01', 'must be from 0 to 1'],
    ['denoise', '-0', 'must be a number from 0 to 1'],
    ['strength', 'NaN', 'must be a number from 0 to 1'],
    ['width', '0', 'must be from 1 to 65535'],
    ['output_quality', '101', 'must be from 1 to 100'],
  ] as const)('refuse %s=%s with a sentence', (field, text, sentence) => {
    const { error } = optionFields[field].safeParse(text);
    expect(error?.issues.map(({ message }) => message)).toContain(sentence);
  });
});

describe('the size of a result', () => {
  const photo = { width: 300, height: 200 };
  const size = (asked: Parameters<typeof optionsFrom>[0]) => resultSize(photo, optionsFrom(asked, DEFAULTS));

  it('is the scale times the photo', () => {
    expect(size({})).toEqual({ width: 1200, height: 800 });
    expect(size({ scale: 1 })).toEqual(photo);
    expect(size({ scale: 8 })).toEqual({ width: 2400, height: 1600 });
  });

  it('is fitted into a target with the proportions of the photo', () => {
    expect(size({ width: 900 })).toEqual({ width: 900, height: 600 });
    expect(size({ height: 100 })).toEqual({ width: 150, height: 100 });
    expect(size({ width: 1000, height: 400 })).toEqual({ width: 600, height: 400 });
    expect(size({ width: 1 })).toEqual({ width: 1, height: 1 });
  });

  it('is never more than eight times the photo', () => {
    expect(size({ width: 2400 })).toEqual({ width: 2400, height: 1600 });
    expect(() => size({ width: 2401 })).toThrow('at most 8 times');
  });
});
