import { computed, shallowRef } from 'vue';
import type { Models, Performance } from '../api-shapes.ts';
import type { Reading } from '../line-path.ts';
import { usePolling } from './use-polling.ts';
import { api } from './use-server.ts';

const LIVE_MS = 2000;
/** What throughput is taken over: shorter, and single photos make it jump. */
const RATE_SECONDS = 20;

/** Readings of the last ten minutes, kept current while the component lives. */
export function usePerformance() {
  const performance = shallowRef<Performance>();
  const models = shallowRef<Models>();

  usePolling(async (signal) => {
    try {
      [performance.value, models.value] = await Promise.all([api.performance(signal), api.models(signal)]);
    } catch {
      // The banner says that the server is away; the last readings stay.
    }
    return document.hidden ? 5 * LIVE_MS : LIVE_MS;
  });

  const history = computed(() => performance.value?.history ?? []);
  /** Photos a minute, from the counters of the workers; a worker that goes takes its count with it. */
  const throughput = computed<Reading[]>(() =>
    history.value.map(({ timestamp, total_processed: count }, place) => {
      const before = history.value.slice(0, place).findLast(({ timestamp: at }) => timestamp - at >= RATE_SECONDS);
      const first = before ?? history.value[0];
      if (first === undefined || first.timestamp === timestamp) return { at: timestamp, value: null };
      const rate = ((count - first.total_processed) / (timestamp - first.timestamp)) * 60;
      return { at: timestamp, value: Math.max(0, rate) };
    }),
  );
  return { performance, models, history, throughput };
}
