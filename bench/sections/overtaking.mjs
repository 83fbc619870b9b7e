/** How long a single photo takes when nothing else is to do, and when it comes into a batch of thousands; and how two tenants share a device. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../book.mjs';
import { openStage } from '../stage.mjs';

/** One lane has two slots. */
const SLOTS = 2;
const OTHERS = 60;
/** Far more than those slots: the rest waits in the queue, where a single photo must pass them. */
const WINDOW = 200;

export const overtaking = {
  name: 'overtaking',
  title: 'A single photo that comes into a large batch',
  settings: { photos: '10000', 'service-ms': '200', singles: '12' },
  about: `The engine takes a fixed time on two slots, so that waiting is all that differs; everything else is real. ${OTHERS} photos of a second tenant beside the first one's
batch: an equal share of the device would take twice the time that they take alone.`,

  async run({ photos, singles, 'service-ms': service }) {
    const [serviceMs, count] = [Number(service), Number(singles)];
    const stage = await openStage({ lanes: 1, serviceMs });
    try {
      await timeSingles(stage, count); // warm
      const idle = await timeSingles(stage, count);
      const batch = await stage.submit(Number(photos), { maxWorkers: WINDOW });
      await sleep(3000);
      const busy = await timeSingles(stage, count);
      const seconds = await timeOtherTenant(stage);
      await stage.client.workflow.getHandle(batch).terminate('the bench is over');
      const alone = (OTHERS * serviceMs) / 1000 / SLOTS;
      return [
        { what: 'single photo, idle, p50', value: quantile(idle, 0.5), unit: 'ms' },
        { what: 'single photo, photos queued, p50', at: Number(photos), value: quantile(busy, 0.5), unit: 'ms' },
        { what: 'single photo, photos queued, most', at: Number(photos), value: Math.max(...busy), unit: 'ms' },
        {
          what: 'queued against idle, p50',
          at: Number(photos),
          value: quantile(busy, 0.5) / quantile(idle, 0.5),
          unit: 'x',
        },
        { what: `${OTHERS} photos of another tenant beside them`, value: seconds, unit: 's' },
        { what: 'the same against alone on both slots', value: seconds / alone, unit: 'x' },
      ];
    } finally {
      await stage.close();
    }
  },

  reading(lines) {
    const [idle, busy] = ['idle', 'photos queued'].map(
      (when) => lines.find(({ what }) => what === `single photo, ${when}, p50`)?.median,
    );
    const bound = 1.5 * idle + 200;
    return `The aim is one and a half times idle and one photo under way, ${bound.toFixed(0)} ms: the middle is ${busy <= bound ? 'within' : '**beyond**'} it.`;
  },
};

const result = ({ client }, id) => client.workflow.getHandle(id).result();

async function timeSingles(stage, count) {
  const latencies = [];
  for (let at = 0; at < count; at += 1) {
    const startedAt = performance.now();
    await result(stage, await stage.submit(1, { kind: 'single' }));
    latencies.push(performance.now() - startedAt);
    await sleep(50);
  }
  return latencies;
}

async function timeOtherTenant(stage) {
  const startedAt = performance.now();
  await result(stage, await stage.submit(OTHERS, { tenant: 'other', maxWorkers: WINDOW, priority: 4 }));
  return (performance.now() - startedAt) / 1000;
}
