/** What the graphs gain by themselves: the rewritten ones against the same weights as an exporter writes them down, and 8 bits. */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { middleOf } from '../book.mjs';
import { installed } from '../engine-stage.mjs';
import { plainGraphOf } from '../naive-graph.mjs';
import { MODELS_DIR } from '../../dist/models/catalogue.js';

/** The side of a tile in pixels, and the same network in 8 bits. */
const NETWORKS = [
  { name: 'darkroom-fast-x4', eight: 'darkroom-fast-x4-int8', side: 220 },
  { name: 'realesr-general-x4v3', side: 220 },
  { name: 'realesrgan-x4plus', eight: 'realesrgan-x4plus-int8', side: 148 },
];

const here = (name) => installed.find(({ entry }) => entry.name === name);
const gainOf = (name) => `${name}: plain graph against ours`;
const eightOf = (name) => `${name}: ours against the same in 8 bits`;

export const graphs = {
  name: 'graphs',
  title: 'What the graphs gain',
  settings: { takes: '3' },
  about: `Processor time of one tile (220 pixels square, 148 for x4plus) on one thread, the least of three takes; the graphs take turns. The plain graph has the same weights as an exporter
writes them down: floats in planes in and out, PRelu, residual sums and their factors as they stand. What it leaves to its caller, to turn pixels into such floats and back, is not counted; ours does it inside.
Ours are exact: their pictures are compared with the plain graph's, rounded.`,

  needs: () => Promise.resolve(NETWORKS.some(({ name }) => here(name)) ? undefined : 'no network is installed'),

  async run({ takes }) {
    const rows = [];
    for (const network of NETWORKS.filter(({ name }) => here(name)))
      rows.push(...(await compare(network, Number(takes))));
    return rows;
  },

  reading(lines) {
    const said = NETWORKS.flatMap(({ name }) => {
      const [gain, eight] = [middleOf(lines, gainOf(name)), middleOf(lines, eightOf(name))];
      if (gain === undefined) return [];
      const less = `${((1 - 1 / gain) * 100).toFixed(0)} % less than the plain graph`;
      return `${name} takes ${less}${eight === undefined ? '' : `, and in 8 bits ${eight.toFixed(2)} times less again`}`;
    });
    return `In the middle round: ${said.join('; ')}. A network with ReLU has nothing to rewrite but its edges.`;
  },
};

async function compare({ name, eight, side }, takes) {
  const pixels = await photoOf(side);
  const bytes = new Tensor('uint8', pixels, [1, side, side, 3]);
  const all = [
    {
      graph: await plainGraphOf(here(name).entry, side),
      input: new Tensor('float32', asFloats(pixels), [1, 3, side, side]),
    },
    ...[name, eight].flatMap((one) => here(one) ?? []).map(({ graphPath }) => ({ graph: graphPath, input: bytes })),
  ];
  for (const one of all) one.session = await open(one.graph);
  const [exact, made] = [(await take(all[0])).output, (await take(all[1])).output];
  for (const one of all) one.least = Infinity;
  for (let turn = 0; turn < takes; turn += 1)
    for (const one of all) one.least = Math.min(one.least, (await take(one)).seconds);
  for (const { session } of all) await session.release();
  const [plain, ours, coded] = all;
  return [
    { what: `${name}: plain graph`, value: plain.least, unit: 's CPU' },
    { what: `${name}: ours`, value: ours.least, unit: 's CPU' },
    { what: gainOf(name), value: plain.least / ours.least, unit: 'x' },
    { what: `${name}: ours is off by at most`, value: mostOff(exact, made), unit: 'levels' },
    ...(coded === undefined ? [] : [{ what: eightOf(name), value: ours.least / coded.least, unit: 'x' }]),
  ];
}

const open = (graph) =>
  InferenceSession.create(graph, { intraOpNumThreads: 1, interOpNumThreads: 1, enableMemPattern: false });

async function take({ session, input }) {
  const before = process.cpuUsage();
  const { output } = await session.run({ input });
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, output };
}

const photoOf = async (side) =>
  new Uint8Array(
    await sharp(join(MODELS_DIR, '../samples/astronaut.jpg')).resize(side, side).removeAlpha().raw().toBuffer(),
  );

/** 0 to 1, one colour after the other. */
function asFloats(pixels) {
  const area = pixels.length / 3;
  return Float32Array.from(pixels, (_, at) => pixels[(at % area) * 3 + Math.floor(at / area)] / 255);
}

/** In levels of 255, of the bytes of our graph to the floats of the plain one. */
function mostOff({ data: floats }, { data: bytes }) {
  const area = floats.length / 3;
  return bytes.reduce((most, level, at) => {
    const exact = Math.round(floats[(at % 3) * area + Math.floor(at / 3)] * 255);
    return Math.max(most, Math.abs(level - Math.min(255, Math.max(0, exact))));
  }, 0);
}
