/** Ctrl-C and its relatives: the first asks to stop in order, the second means now. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on the Ctrl-C that the terminal has delivered already: the echo is not a second wish. */
const ECHO_MS = 1_000;
const PARENT_LOOK_MS = 500;

export interface StopRequest {
  readonly signal: AbortSignal;
  /** Resolves when a stop is wanted. */
  readonly requested: Promise<void>;
  /** Gives the signals back to Node. */
  release(): void;
}

class Stopped extends Error {
  override readonly name = 'Stopped';
}

export interface StopListening {
  readonly onSecond: () => void;
  /** Take the end of the parent process as a signal: npm's shell does not pass on the SIGTERM that ends it. */
  readonly followParent: boolean;
}

export function listenForStop({ onSecond, followParent }: StopListening): StopRequest {
  const controller = new AbortController();
  let firstAt = 0;
  const onSignal = (): void => {
    const now = Date.now();
    if (firstAt === 0) {
      firstAt = now;
      controller.abort(new Stopped('stopped by a signal'));
    } else if (now - firstAt > ECHO_MS) onSecond();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (firstAt === 0 && process.ppid !== parent) onSignal();
  }, PARENT_LOOK_MS);
  watch.unref();
  if (!followParent) clearInterval(watch);
  return {
    signal: controller.signal,
    requested: new Promise((resolve) => {
      controller.signal.addEventListener('abort', () => resolve(), { once: true });
    }),
    release() {
      clearInterval(watch);
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
