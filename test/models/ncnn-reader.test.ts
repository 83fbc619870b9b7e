// A damaged ncnn file is refused with `model_corrupt` and a sentence; nothing is read past its end and nothing else is thrown.
import { describe, expect, it } from 'vitest';
import { DarkroomError } from '../../src/contracts/errors.ts';
import { readNetwork } from '../../src/models/network.ts';
import { TINY_PARAM, tinyBin } from './tiny-network.ts';

const bin = tinyBin();

const refuse = (param: string, weights: Uint8Array = bin, architecture: 'srvgg' | 'rrdb' = 'srvgg'): string => {
  try {
    readNetwork(architecture, param, weights);
  } catch (error) {
    expect(error).toBeInstanceOf(DarkroomError);
    if (error instanceof DarkroomError) {
      expect(error.code).toBe('model_corrupt');
      return error.message;
    }
  }
  throw new Error('Expected the network to be refused');
};

describe('readNetwork', () => {
  it('reads a whole network', () => {
    const network = readNetwork('srvgg', TINY_PARAM, bin);
    expect(network).toMatchObject({ architecture: 'srvgg', last: { inputChannels: 4, outputChannels: 48 } });
    expect(network.architecture === 'srvgg' && network.layers.map(({ slopes }) => [...slopes])).toEqual([
      [0.25, 1.5, -0.5, 1],
      [2, 0.125, 0.5, 0],
    ]);
  });

  it.each([
    ['another first line', TINY_PARAM.replace('7767517', '7767518'), /does not start/],
    ['an empty description', '', /does not start/],
    ['counts that are no numbers', TINY_PARAM.replace('10 11', 'x y'), /second line/],
    ['a count of millions', TINY_PARAM.replace('10 11', '99999999 11'), /second line/],
    ['another number of layers', TINY_PARAM.replace('10 11', '11 11'), /announces 11 layers and has 10/],
    ['another number of blobs', TINY_PARAM.replace('10 11', '10 12'), /announces 12 blobs/],
    ['a line that breaks off', TINY_PARAM.replace(/Interp.*\n/, 'Interp interp 1\n'), /line 11 breaks off/],
    ['a parameter that is no number', TINY_PARAM.replace('6=108', '6=abc'), /line 5/],
    ['a list of the wrong length', TINY_PARAM.replace('6=108', '6=108 -23310=3,1'), /line 5/],
    ['a blob that nobody makes', TINY_PARAM.replace('1 1 b c', '1 1 zz c'), /reads zz/],
    ['a blob made twice', TINY_PARAM.replace('1 1 c d', '1 1 c b'), /two layers make b/],
    ['no channels', TINY_PARAM.replace('0=4 1=3', '0=0 1=3'), /number of channels/],
    ['another kernel', TINY_PARAM.replace('0=4 1=3', '0=4 1=5'), /not a 3x3 convolution/],
    ['weights that do not divide', TINY_PARAM.replace('6=108', '6=109'), /not a 3x3 convolution/],
    ['an activation that does not belong there', TINY_PARAM.replace('6=108', '6=108 9=1'), /activation/],
    ['a shuffle by another factor', TINY_PARAM.replace('e f 0=4', 'e f 0=2'), /parameter 0=2 instead of 4/],
    ['a shuffle of another value', TINY_PARAM.replace('1 1 e f', '1 1 d f'), /reads other values/],
    ['a layer of another kind', TINY_PARAM.replace('BinaryOp', 'Softmax'), /Softmax stands where a BinaryOp/],
    ['layers after the end', `${TINY_PARAM.replace('10 11', '11 12')}Input more 0 1 more\n`, /Input follows/],
  ])('refuses %s', (_, param, sentence) => {
    expect(refuse(param)).toMatch(sentence);
  });

  it('refuses weights that end early, wherever they end', () => {
    for (let length = 0; length < bin.length; length += 61) {
      expect(refuse(TINY_PARAM, bin.subarray(0, length))).toMatch(/weights end inside layer/);
    }
  });

  it('refuses weights that are too long, or stored otherwise', () => {
    expect(refuse(TINY_PARAM, Buffer.concat([bin, Buffer.alloc(4)]))).toMatch(/4 bytes longer/);
    expect(refuse(TINY_PARAM, Buffer.concat([Buffer.alloc(4), bin.subarray(4)]))).toMatch(/not stored as half floats/);
  });

  it('refuses a network of another architecture', () => {
    expect(refuse(TINY_PARAM, bin, 'rrdb')).toMatch(/to 4 channels stands where/);
  });

  it('throws nothing but model_corrupt for any line that is lost or doubled', () => {
    const lines = TINY_PARAM.trim().split('\n');
    lines.forEach((line, index) => {
      refuse(lines.toSpliced(index, 1).join('\n'));
      refuse(lines.toSpliced(index, 0, line).join('\n'));
    });
  });
});
