import { parentPort, type MessagePort } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { NetworkAnswer, NetworkRequest, SessionRequest } from './network.ts';

/**
 * The one thread that owns onnxruntime. `session.run` blocks the thread it is called from for the whole run; here that
 * disturbs nobody. Requests are answered strictly in order.
 */

const port = requirePort();

function requirePort(): MessagePort {
  if (parentPort === null) throw new Error('Expected network-thread to be started as a worker thread');
  return parentPort;
}

/** An odd size, so that a graph that mixes up height and width is found out at once. */
const WARM_UP = { width: 64, height: 48 };

const sessions = new Map<string, InferenceSession>();

/** The options' type knows a device for some providers only, and the name alone of the others. */
const deviceOf = (provider: string, deviceId: number): { name: string } =>
  provider === 'cpu' ? { name: provider } : Object.assign({ name: provider }, { deviceId });

const createSession = (request: SessionRequest, level: 'all' | 'basic', provider: string): Promise<InferenceSession> =>
  InferenceSession.create(request.graphPath, {
    executionProviders: [deviceOf(provider, request.deviceId)],
    graphOptimizationLevel: level,
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: request.threads,
    enableCpuMemArena: true,
    // Saves 20-30 % of memory at no cost in time.
    enableMemPattern: false,
    logSeverityLevel: 3,
  });

async function runTile(session: InferenceSession, pixels: Uint8Array, width: number, height: number, scale: number) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  if (input === undefined || output === undefined) throw new Error('Expected a graph with one input and one output');
  const startedAt = performance.now();
  const answer = (await session.run({ [input]: new Tensor('uint8', pixels, [1, height, width, 3]) }))[output];
  const ms = performance.now() - startedAt;
  const shape = [1, height * scale, width * scale, 3].join('x');
  if (answer === undefined || !(answer.data instanceof Uint8Array) || answer.dims.join('x') !== shape) {
    throw new Error(`Expected uint8 ${shape} from the graph but received ${answer?.type} ${answer?.dims.join('x')}`);
  }
  // The runtime's own memory cannot be handed to another thread.
  return { pixels: new Uint8Array(answer.data), ms };
}

const warmUp = (session: InferenceSession, scale: number) =>
  runTile(session, new Uint8Array(WARM_UP.width * WARM_UP.height * 3).fill(128), WARM_UP.width, WARM_UP.height, scale);

async function open(request: SessionRequest) {
  const session = await createSession(request, 'all', request.provider);
  try {
    const { ms } = await warmUp(session, request.scale);
    sessions.set(request.model, session);
    return { msPerPixel: ms / (WARM_UP.width * WARM_UP.height) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** The most cautious way there is: on the CPU, with none of the optimisations that reorder arithmetic, in a new session. */
async function runCautiously(request: NetworkRequest & { kind: 'runCautiously' }) {
  const session = await createSession(request.session, 'basic', 'cpu');
  try {
    return await runTile(session, request.pixels, request.width, request.height, request.session.scale);
  } finally {
    await session.release();
  }
}

async function answer(request: NetworkRequest): Promise<Omit<NetworkAnswer, 'id'>> {
  switch (request.kind) {
    case 'open':
      return { opened: await open(request.session) };
    case 'close':
      await sessions.get(request.model)?.release();
      sessions.delete(request.model);
      return {};
    case 'run': {
      const session = sessions.get(request.model);
      if (session === undefined) throw new Error(`Expected a session for ${request.model}`);
      return { tile: await runTile(session, request.pixels, request.width, request.height, request.scale) };
    }
    case 'runCautiously':
      return { tile: await runCautiously(request) };
  }
}

async function reply(request: NetworkRequest): Promise<void> {
  try {
    const done = await answer(request);
    port.postMessage({ id: request.id, ...done }, done.tile === undefined ? [] : [done.tile.pixels.buffer]);
  } catch (error) {
    port.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) });
  }
}

let work: Promise<void> = Promise.resolve();
port.on('message', (request: NetworkRequest) => {
  work = work.then(() => reply(request));
});
