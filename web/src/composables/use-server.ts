import { computed, onBeforeUnmount, onMounted, ref, watch } from 'vue';
import { createApi } from '../api.ts';
import type { About, Health, Rights, Scope } from '../api-shapes.ts';

/** What is known of the server; one for the whole page. */

const reached = ref<boolean>();
const online = ref(navigator.onLine);
const about = ref<About>();
const health = ref<Health>();
/** The server wants a key that this browser has not given, or that is not valid any more. */
const needsKey = ref(false);

const rights = ref<Rights>();

const notices = computed(() => health.value?.model_status.notices ?? []);
/** What the server takes; its default until it has told. It has the last word in any case. */
const maxBytes = computed(() => about.value?.features.max_file_bytes ?? 50 * 1024 * 1024);
/** Undefined until the server has told: nothing is decided on a guess. */
const withoutGpu = computed(() => {
  const model = health.value?.model_status;
  if (model === undefined || model.device === 'none') return undefined;
  return !model.cuda_available && model.device.startsWith('cpu');
});

export const api = createApi((answer) => {
  reached.value = answer.reached;
  if (answer.needsKey !== undefined) needsKey.value = answer.needsKey;
});

/** Address of one workflow in Temporal's Web UI; undefined where nobody said where that is. */
export function temporalAddress(operationId: string): string | undefined {
  const workflows = about.value?.features.temporal_ui;
  return workflows ? `${workflows}/${encodeURIComponent(operationId)}` : undefined;
}

/** Whether the key of this browser allows it. Undecided until the server has told, and then it has the last word all the same. */
const may = (scope: Scope): boolean => rights.value?.scopes.includes(scope) ?? true;

/** Known anew with every key. */
watch(
  () => about.value?.features.api_keys === true && !needsKey.value,
  (keyed) => {
    if (keyed)
      api
        .rights()
        .then((told) => (rights.value = told.active ? told : undefined))
        .catch(() => undefined);
    else rights.value = undefined;
  },
);

const CALM_MS = 10_000;
const EAGER_MS = 1500;

/** @returns refs that every component may read; {@link useServerWatch} keeps them true. */
export const useServer = () => ({ reached, online, about, health, needsKey, maxBytes, notices, withoutGpu, may });

/** Asks for the server's health now and then; more often while it is away or warming up. Once, in the page's root. */
export function useServerWatch(): void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const look = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      health.value = await api.health(stop.signal);
      about.value ??= await api.about(stop.signal);
    } catch {
      if (stop.signal.aborted) return;
    }
    const settled = reached.value === true && health.value?.model_status.initialized === true;
    timer = setTimeout(() => void look(), settled ? CALM_MS : EAGER_MS);
  };
  const lineChanged = (): void => {
    online.value = navigator.onLine;
    void look();
  };

  onMounted(() => {
    void look();
    window.addEventListener('online', lineChanged);
    window.addEventListener('offline', lineChanged);
  });
  onBeforeUnmount(() => {
    stop.abort();
    clearTimeout(timer);
    window.removeEventListener('online', lineChanged);
    window.removeEventListener('offline', lineChanged);
  });
}
