import { setPriority } from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { FlatPicture } from '../models/blend-networks.ts';
import { graphFor } from './graph-bytes.ts';
import { readMemory } from './host-limits.ts';
import type {
  NamedFloats,
  NetworkAnswer,
  NetworkRequest,
  NetworkThreadSettings,
  NetworkTile,
  SessionRequest,
  TileRequest,
} from './network-requests.ts';
import { samplesLike, type Samples } from './tiles.ts';

/**
 * A thread that owns sessions of onnxruntime. `session.run` blocks the thread it is called from for the whole run; here that
 * disturbs nobody. Requests are answered strictly in order.
 */

const port = requirePort();

function requirePort(): MessagePort {
  if (parentPort === null) throw new Error('Expected network-thread to be started as a worker thread');
  return parentPort;
}

const { niceness }: NetworkThreadSettings = workerData;

/** An odd size, so that a graph that mixes up height and width is found out at once. */
const WARM_UP = { width: 64, height: 48 };
/** Memory is measured on a larger window, as large as is done in this time. */
const MEASURING_MS = 400;
const LARGEST_MEASURED = 160;
/** A first run that takes longer is hardly longer than the next. */
const SET_UP_COUNTS_MS = 200;

const sessions = new Map<string, InferenceSession>();

/** Providers that are told which device; others have one, and WebGPU refuses to be told. */
const CHOOSES_DEVICE = new Set(['cuda', 'tensorrt', 'dml']);

/** The options' type knows a device for some providers only, and the name alone of the others. */
const deviceOf = (provider: string, deviceId: number): { name: string } =>
  CHOOSES_DEVICE.has(provider) ? Object.assign({ name: provider }, { deviceId }) : { name: provider };

/**
 * On a processor the network takes every core there is: whoever answers people, and all other programs, come first. On Linux this is the
 * priority of this thread alone and of those that the runtime starts from it: the engine's other threads end a photo while the next
 * one's tiles are computed, and should not wait for those. Elsewhere it is the whole process'.
 */
const giveWay = (): void => setPriority(niceness);

type Level = 'all' | 'basic';

function createSession(graph: string | Uint8Array, request: SessionRequest, level: Level, provider: string) {
  const options = {
    executionProviders: [deviceOf(provider, request.deviceId)],
    graphOptimizationLevel: level,
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: request.threads,
    enableCpuMemArena: true,
    // Saves 20-30 % of memory at no cost in time.
    enableMemPattern: false,
    logSeverityLevel: 3,
  } as const;
  return typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options);
}

async function sessionFor(request: SessionRequest, level: Level, provider: string): Promise<InferenceSession> {
  if (request.provider === 'cpu') giveWay();
  const runOnce = async (graph: Uint8Array, picture: FlatPicture): Promise<Uint8Array> => {
    const session = await createSession(graph, request, 'all', 'cpu');
    try {
      const answer = await runTile(session, picture, request.scale);
      return Uint8Array.from(answer.pixels);
    } finally {
      await session.release();
    }
  };
  return createSession(await graphFor(request.graph, request.precision, runOnce), request, level, provider);
}

async function runTile(session: InferenceSession, { pixels, width, height }: TileRequest, scale: number) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  if (input === undefined || output === undefined) throw new Error('Expected a graph with one input and one output');
  const dims = [1, height, width, 3];
  const tensor = pixels instanceof Uint16Array ? new Tensor('uint16', pixels, dims) : new Tensor('uint8', pixels, dims);
  const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()];
  const answer = (await session.run({ [input]: tensor }))[output];
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(usedBefore);
  const shape = [1, height * scale, width * scale, 3].join('x');
  if (answer === undefined || answer.type !== tensor.type || answer.dims.join('x') !== shape) {
    throw new Error(
      `Expected ${tensor.type} ${shape} from the graph but received ${answer?.type} ${answer?.dims.join('x')}`,
    );
  }
  return { pixels: samplesOf(answer.data), ms, cpuMs: (user + system) / 1000 };
}

function samplesOf(data: Tensor['data']): Samples {
  if (data instanceof Uint8Array || data instanceof Uint16Array) return data;
  throw new Error('Expected samples of 8 or 16 bits from the graph');
}

function warmUp(session: InferenceSession, { scale, graph }: SessionRequest, width: number, height: number) {
  const samples = width * height * 3;
  const grey = graph.depth === 16 ? new Uint16Array(samples).fill(128 * 257) : new Uint8Array(samples).fill(128);
  return runTile(session, { pixels: grey, width, height }, scale);
}

/**
 * Runs it: to have it ready, on a larger window to see what a pixel takes of memory, and there once more for the time, without what the
 * first run sets up. Where that is little of its time it is not run again: photos wait.
 */
async function open(request: SessionRequest, windows: readonly number[]) {
  const session = await sessionFor(request, 'all', request.provider);
  try {
    const before = readMemory();
    if (windows.length > 0) {
      const met = await meetWindows(session, request, windows);
      sessions.set(request.graph.key, session);
      return { ...met, bytesPerWindowPixel: Math.max(0, readMemory() - before) / met.timedPixels };
    }
    const first = await warmUp(session, request, WARM_UP.width, WARM_UP.height);
    const side = Math.floor(Math.sqrt((MEASURING_MS / first.ms) * WARM_UP.width * WARM_UP.height));
    const width = Math.min(LARGEST_MEASURED, side - (side % 8));
    const measured = width > WARM_UP.width ? { width, height: width } : WARM_UP;
    const second = measured === WARM_UP ? first : await warmUp(session, request, measured.width, measured.height);
    const pixels = measured.width * measured.height;
    // The runtime's arena keeps what the largest window took.
    const bytesPerWindowPixel = Math.max(0, readMemory() - before) / pixels;
    const { ms } =
      second.ms < SET_UP_COUNTS_MS ? await warmUp(session, request, measured.width, measured.height) : second;
    sessions.set(request.graph.key, session);
    return { msPerPixel: ms / pixels, timedPixels: pixels, bytesPerWindowPixel };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * Runs each of the windows that photos will have, so that none of them waits while the provider gets to know a shape. The smallest must
 * work; whether a larger one has room is found out by the photo that needs it, which then gets smaller tiles.
 * @returns the time of the largest that worked, once it was met.
 */
async function meetWindows(session: InferenceSession, request: SessionRequest, windows: readonly number[]) {
  const sides = windows.toSorted((a, b) => a - b);
  const [smallest = WARM_UP.width] = sides;
  let met = { msPerPixel: 0, timedPixels: smallest ** 2 };
  for (const side of sides) {
    try {
      await warmUp(session, request, side, side);
      const { ms } = await warmUp(session, request, side, side);
      met = { msPerPixel: ms / side ** 2, timedPixels: side ** 2 };
    } catch (error) {
      if (side === smallest) throw error;
    }
  }
  return met;
}

/** The most cautious way there is: on the CPU, in 32 bits, with none of the optimisations that reorder arithmetic, in a new session. */
async function runCautiously(request: NetworkRequest & { kind: 'runCautiously' }) {
  const session = await sessionFor({ ...request.session, precision: 'full' }, 'basic', 'cpu');
  try {
    return inRoom(await runTile(session, request, request.session.scale));
  } finally {
    await session.release();
  }
}

async function runOther(session: InferenceSession, inputs: NamedFloats): Promise<NamedFloats> {
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('float32', data, [...dims])]),
  );
  const outputs = Object.entries(await session.run(feeds)).map(([name, { data, dims }]) => {
    if (!(data instanceof Float32Array)) throw new Error(`Expected floats for the output ${name}`);
    return [name, { data: new Float32Array(data), dims }] as const;
  });
  return Object.fromEntries(outputs);
}

const opened = (key: string): InferenceSession => {
  const session = sessions.get(key);
  if (session === undefined) throw new Error(`Expected a session for ${key}`);
  return session;
};

async function sessionForTile({ key, session }: NetworkRequest & { kind: 'run' }): Promise<InferenceSession> {
  if (session !== undefined && !sessions.has(key))
    sessions.set(key, await sessionFor(session, 'all', session.provider));
  return opened(key);
}

async function answer(request: NetworkRequest): Promise<Omit<NetworkAnswer, 'id'>> {
  switch (request.kind) {
    case 'open':
      return { opened: await open(request.session, request.windows) };
    case 'openOther':
      sessions.set(request.session.graph.key, await sessionFor(request.session, 'all', request.session.provider));
      return {};
    case 'close':
      await sessions.get(request.key)?.release();
      sessions.delete(request.key);
      return {};
    case 'run':
      return { tile: inRoom(await runTile(await sessionForTile(request), request, request.scale), request.room) };
    case 'runCautiously':
      return { tile: await runCautiously(request) };
    case 'runOther':
      return { outputs: await runOther(opened(request.key), request.inputs) };
  }
}

/** The runtime's memory may be its own, and then cannot be handed to another thread: so the samples are copied. */
function inRoom(tile: NetworkTile, room: Samples = samplesLike(tile.pixels, tile.pixels.length)): NetworkTile {
  if (room.length !== tile.pixels.length || room.BYTES_PER_ELEMENT !== tile.pixels.BYTES_PER_ELEMENT)
    throw new Error(`Expected room for ${tile.pixels.byteLength} bytes but received ${room.byteLength}`);
  room.set(tile.pixels);
  return { ...tile, pixels: room };
}

/** What is not shared goes to the one who asked. */
const handedOver = ({ tile, outputs }: Omit<NetworkAnswer, 'id'>): ArrayBuffer[] => [
  ...(tile?.pixels.buffer instanceof ArrayBuffer ? [tile.pixels.buffer] : []),
  ...Object.values(outputs ?? {}).map(({ data }) => data.buffer),
];

async function reply(request: NetworkRequest): Promise<void> {
  try {
    const done = await answer(request);
    port.postMessage({ id: request.id, ...done }, handedOver(done));
  } catch (error) {
    port.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) });
  }
}

let work: Promise<void> = Promise.resolve();
port.on('message', (request: NetworkRequest) => {
  work = work.then(() => reply(request));
});
