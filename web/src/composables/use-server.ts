import { computed, onBeforeUnmount, onMounted, ref } from 'vue';
import { ApiProblem, createApi } from '../api.ts';
import type { About, Health } from '../api-shapes.ts';

/** What is known of the server; one for the whole page. */

const reached = ref<boolean>();
const about = ref<About>();
const health = ref<Health>();
const needsKey = ref(false);

const notices = computed(() => health.value?.model_status.notices ?? []);
/** What the server takes in one form; its defaults until it has told. It has the last word in any case. */
const limits = computed(() => ({
  bytes: about.value?.features.max_file_bytes ?? 50 * 1024 * 1024,
  filesPerForm: about.value?.features.max_files_per_form ?? 20,
}));
/** Undefined until the server has told: nothing is decided on a guess. */
const withoutGpu = computed(() => {
  const model = health.value?.model_status;
  if (model === undefined || model.device === 'none') return undefined;
  return !model.cuda_available && model.device.startsWith('cpu');
});

export const api = createApi((answered) => {
  reached.value = answered;
});

const CALM_MS = 10_000;
const EAGER_MS = 2000;

/** @returns refs that every component may read; {@link useServerWatch} keeps them true. */
export const useServer = () => ({ reached, about, health, needsKey, limits, notices, withoutGpu });

/** Asks for the server's health now and then; more often while it is away or warming up. Once, in the page's root. */
export function useServerWatch(): void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const look = async (): Promise<void> => {
    try {
      about.value ??= await api.about(stop.signal);
      health.value = await api.health(stop.signal);
      needsKey.value = false;
    } catch (thrown) {
      if (stop.signal.aborted) return;
      needsKey.value = thrown instanceof ApiProblem && thrown.status === 401;
    }
    const settled = reached.value === true && health.value?.model_status.initialized === true;
    timer = setTimeout(() => void look(), settled ? CALM_MS : EAGER_MS);
  };

  onMounted(() => void look());
  onBeforeUnmount(() => {
    stop.abort();
    clearTimeout(timer);
  });
}

/** Whether the server lists an endpoint whose path ends so, such as `/pause`: the page offers only what exists. */
export const offers = (ending: string): boolean =>
  Object.values(about.value?.endpoints ?? {}).some((path) => path.endsWith(ending));
