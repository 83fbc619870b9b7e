/**
 * What restoring a face costs: `node bench/faces.mjs [THREADS] [FILE]`. Makes a stand-in of GFPGAN v1.4, of its architecture
 * and size with random weights, keeps it when FILE is named, and runs it as an engine does. Needs a build (`npm run build`).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../dist/models/graph-builder.js';
import { buildGfpgan, FACE_PORTS } from '../dist/models/graph-gfpgan.js';

const MEASURE = '--measure';
const [first, second] = process.argv.slice(2);
const RUNS = 5;

/** Numbers that look random and are the same every time. */
function noise(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function makeStandIn() {
  const next = noise(20_261_124);
  let parameters = 0;
  const weights = (name, dims, fanIn) => {
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    if (!name.endsWith('.noise')) parameters += values.length;
    const spread = Math.sqrt(3 / fanIn);
    for (let index = 0; index < values.length; index += 1) values[index] = next() * spread;
    return values;
  };
  const graph = new GraphBuilder();
  buildGfpgan(graph, weights);
  return { bytes: graph.build('gfpgan-stand-in', '1', { weights: 'random' }, FACE_PORTS), parameters };
}

const anonymousMegabytes = () =>
  Math.round(Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024);

/** In a process in which nothing else has been. */
async function measure(path, threads) {
  const before = anonymousMegabytes();
  const openedAt = performance.now();
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    interOpNumThreads: 1,
    intraOpNumThreads: threads,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const sessionMs = Math.round(performance.now() - openedAt);
  const loaded = anonymousMegabytes() - before;
  const next = noise(1);
  const face = new Tensor('float32', Float32Array.from({ length: 3 * 512 * 512 }, next), [1, 3, 512, 512]);
  const times = [];
  let cpuMs = 0;
  let spread = [0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    const { output } = await session.run({ input: face });
    times.push(performance.now() - startedAt);
    cpuMs += process.cpuUsage(cpu).user / 1000 / RUNS;
    spread = output.data.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [1e9, -1e9]);
  }
  times.sort((a, b) => a - b);
  return {
    sessionMs,
    loadedMegabytes: loaded,
    runningMegabytes: anonymousMegabytes() - before,
    msPerFace: {
      fastest: Math.round(times[0]),
      median: Math.round(times[Math.floor(RUNS / 2)]),
      cpu: Math.round(cpuMs),
    },
    outputFrom: spread,
  };
}

async function main(threads, keepAs) {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-faces-'));
  try {
    const path = keepAs ?? join(folder, 'stand-in.onnx');
    const { bytes, parameters } = makeStandIn();
    writeFileSync(path, bytes);
    const answer = execFileSync(process.execPath, [fileURLToPath(import.meta.url), MEASURE, path, String(threads)]);
    const figures = { parameters, fileBytes: bytes.length, threads, ...JSON.parse(answer.toString()) };
    console.log(JSON.stringify(figures, undefined, 2));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (first === MEASURE) console.log(JSON.stringify(await measure(second, Number(process.argv[4]))));
else await main(Number(first ?? availableParallelism()), second);
