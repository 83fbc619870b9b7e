import { onBeforeUnmount, reactive, ref, watch, type Ref } from 'vue';
import type { PlanSize } from '../api.ts';
import { QUALITIES, type Options, type Plan, type Quality } from '../api-shapes.ts';
import type { Chosen } from '../photos.ts';
import { api } from './use-server.ts';

/** The dry run of what is in the tray: how long it takes here, and what the server would refuse. */

/** Long enough for thumbnails to come in bunches, short enough to feel like an answer. */
const SETTLE_MS = 350;
/** While hundreds of photos are still being looked at, one by one, what is known so far is asked about this often. */
const MEANWHILE_MS = 2000;
/** A server that has just started times its networks one after the other, and one that is away comes back. */
const UNKNOWN_MS = 4000;
const LISTED = 500;

export function usePlan(photos: Ref<readonly Chosen[]>, options: Options) {
  const plan = ref<Plan>();
  /** Seconds a photo takes at each level, as measured on this server; null while nobody has measured, undefined while nobody was asked. */
  const seconds = reactive<Partial<Record<Quality, number | null | undefined>>>({});
  let timer: ReturnType<typeof setTimeout> | undefined;
  let askedAt = 0;
  let stop = new AbortController();

  const askIn = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), ms);
  };
  const ask = async (): Promise<void> => {
    timer = undefined;
    askedAt = Date.now();
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    const sizes = sizesOf(photos.value);
    if (sizes.length === 0) {
      plan.value = undefined;
      return;
    }
    try {
      const answers = await Promise.all(
        QUALITIES.map((quality_level) => {
          const chosen = quality_level === options.quality_level;
          return api.plan(sizes, { ...options, quality_level }, chosen ? LISTED : 0, signal);
        }),
      );
      for (const [place, quality] of QUALITIES.entries()) {
        const { planned = 0, seconds: all = null } = answers[place]?.total ?? {};
        seconds[quality] = planned === 0 ? undefined : all && all / planned;
        if (quality === options.quality_level) plan.value = answers[place];
      }
      if (timer === undefined && Object.values(seconds).includes(null)) askIn(UNKNOWN_MS);
    } catch {
      // Without a plan the page says nothing about time; the banner says why the server does not answer.
      if (timer === undefined && !signal.aborted) askIn(UNKNOWN_MS);
    }
  };

  const later = (): void => {
    const overdue = Date.now() - askedAt > MEANWHILE_MS;
    askIn(overdue ? 0 : SETTLE_MS);
  };
  watch([() => photos.value.filter(isKnown).length, () => photos.value.length, options], later, { immediate: true });
  onBeforeUnmount(() => {
    clearTimeout(timer);
    stop.abort();
  });
  return { plan, seconds };
}

const isKnown = ({ width }: Chosen): boolean => width !== undefined;

/** Photos this browser cannot look into are left out: the server looks at them as they come. */
const sizesOf = (photos: readonly Chosen[]): PlanSize[] =>
  photos.flatMap(({ file, width, height }) =>
    width === undefined || height === undefined ? [] : [{ name: file.name.slice(0, 1000), width, height }],
  );
