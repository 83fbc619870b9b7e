// The catalogue that ships is whole, and a fault in an entry is named before it can do harm.
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MODELS_DIR, readCatalogue } from '../../src/models/catalogue.ts';
import { tinyEntry } from './tiny-network.ts';

describe('readCatalogue', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-catalogue-'));
    await mkdir(join(folder, 'catalogue'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('has the seven networks, each with its reference vector', async () => {
    const catalogue = await readCatalogue();
    expect(catalogue.map(({ name, role, default: isDefault }) => [name, role, isDefault])).toEqual([
      ['darkroom-fast-x4-int8', 'photo', true],
      ['darkroom-fast-x4', 'photo', true],
      ['realesr-animevideov3', 'line-art', true],
      ['realesr-general-wdn-x4v3', 'denoise-twin', false],
      ['realesr-general-x4v3', 'photo', false],
      ['realesrgan-x4plus-int8', 'photo', true],
      ['realesrgan-x4plus', 'photo', true],
    ]);
    for (const { vector } of catalogue) {
      for (const name of [vector.input, vector.output]) {
        expect((await stat(join(MODELS_DIR, 'vectors', name))).size).toBeGreaterThan(1_000);
      }
    }
  });

  it.each([
    ['a faulty field', 'tiny.json', { ...tinyEntry([]), scale: 3 }, /tiny\.json.*scale/s],
    ['no source', 'tiny.json', tinyEntry([]), /sources/],
    [
      'another name than its file',
      'other.json',
      tinyEntry([
        { kind: 'url', urls: { 'tiny.param': 'https://example.org/p', 'tiny.bin': 'https://example.org/b' } },
      ]),
      /"tiny" in tiny\.json/,
    ],
    [
      'a source that lacks a file',
      'tiny.json',
      tinyEntry([{ kind: 'url', urls: { 'tiny.param': 'https://example.org/p' } }]),
      /tiny\.bin/,
    ],
  ])('refuses %s', async (_, fileName, entry, sentence) => {
    await writeFile(join(folder, 'catalogue', fileName), JSON.stringify(entry));
    await expect(readCatalogue(folder)).rejects.toThrow(sentence);
  });
});
