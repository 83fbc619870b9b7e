/**
 * What it costs a large batch that a webhook is told of each of its photos: the same batch without a webhook, with one that
 * takes what it is told, and with one that never answers. Real Temporal server, store and journal; the engine returns at once.
 *
 *     npm run bench:webhooks -- [--photos 20000] [--window 64] [--lanes 32]
 */
import { createServer } from 'node:http';
import { availableParallelism, cpus } from 'node:os';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { WEBHOOK_EVENTS } from '../dist/contracts/webhooks.js';
import { openStage } from './stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '20000' },
    window: { type: 'string', default: '64' },
    lanes: { type: 'string', default: '32' },
  },
});
const total = Number(wanted.photos);

/** Counts the photos it is told of, on the address that the worker of this stage may ask. */
async function openReceiver(manner) {
  const heard = { messages: 0, photos: new Set() };
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    heard.messages += 1;
    for (const photo of body.data.photos ?? []) heard.photos.add(photo.task_id);
    if (manner === 'takes') response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.2', resolve));
  const webhook = {
    url: `http://127.0.0.2:${server.address().port}/`,
    events: [...WEBHOOK_EVENTS],
    secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  };
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { heard, webhook, close };
}

async function historiesOf(client, type) {
  let [longest, runs] = [0, 0];
  for await (const run of client.workflow.list({ query: `WorkflowType = "${type}"` })) {
    longest = Math.max(longest, run.historyLength ?? 0);
    runs += 1;
  }
  return `${type} ${runs} runs, longest ${longest}`;
}

async function measure(manner) {
  const receiver = manner === 'none' ? undefined : await openReceiver(manner);
  const stage = await openStage({ lanes: wanted.lanes, serviceMs: 0 });
  try {
    const startedAt = performance.now();
    const webhook = receiver === undefined ? {} : { webhook: receiver.webhook };
    const id = await stage.submit(total, { maxWorkers: Number(wanted.window), ...webhook });
    await stage.client.workflow.getHandle(id).result();
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`receiver ${manner}: ${total} photos in ${seconds.toFixed(1)} s, ${(total / seconds).toFixed(0)}/s`);
    console.log(`  ${await historiesOf(stage.client, 'enhanceBatch')} events`);
    if (!receiver) return;
    await stage.client.workflow.getHandle(`${id}.photos`).result();
    const until = performance.now() + 10_000;
    while (manner === 'takes' && receiver.heard.photos.size < total && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    console.log(
      `  ${await historiesOf(stage.client, 'tellPhotos')} events; ${await historiesOf(stage.client, 'deliverWebhook')}`,
    );
    console.log(`  ${receiver.heard.photos.size} photos told of in ${receiver.heard.messages} requests`);
  } finally {
    receiver?.close();
    await stage.close();
  }
}

console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`,
);
for (const manner of ['none', 'takes', 'hangs']) await measure(manner);
