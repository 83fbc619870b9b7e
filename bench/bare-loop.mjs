/** The other side of the comparison: a session with the engine's options and nothing around it. Answers its parent with seconds. */
import * as ort from 'onnxruntime-node';

process.once('message', async ({ graphPath, threads, tiles }) => {
  const session = await ort.InferenceSession.create(graphPath, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: threads,
    enableCpuMemArena: true,
    enableMemPattern: false,
  });
  const [input] = session.inputNames;
  const run = ({ data, width, height }) =>
    session.run({ [input]: new ort.Tensor('uint8', new Uint8Array(data), [1, height, width, 3]) });
  await run(tiles[0]);
  const startedAt = performance.now();
  for (const tile of tiles) await run(tile);
  process.send((performance.now() - startedAt) / 1000, () => process.exit(0));
});
