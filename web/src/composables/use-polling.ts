import { onBeforeUnmount, onMounted } from 'vue';

/**
 * Runs `work` again and again while the component lives, never twice at once. `work` answers how long to wait until the
 * next time, in milliseconds.
 * @returns a function that makes the next run come now.
 */
export function usePolling(work: (signal: AbortSignal) => Promise<number>): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;

  const run = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    clearTimeout(timer);
    running = true;
    again = false;
    const wait = await work(stop.signal);
    running = false;
    if (!stop.signal.aborted) timer = setTimeout(() => void run(), again ? 0 : wait);
  };

  onMounted(() => void run());
  onBeforeUnmount(() => {
    stop.abort();
    clearTimeout(timer);
  });
  return () => void run();
}
