import { openDesk, type Desk } from './desk.ts';
import type { Invocation } from './invocation.ts';
import { listenForStop } from './stop-signals.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** A person ended the command before it was done. */
export const STOPPED = Symbol('stopped');

/**
 * Does work at a desk; a Darkroom is started when none runs. Whoever runs one may stop it in the middle: then the work is
 * begun again at one of our own, so it must be able to go on where it was.
 * @returns what `work` answers, or {@link STOPPED} after Ctrl-C, of which the terminal was told.
 */
export async function workAtDesk<T>(
  invocation: Invocation,
  work: (desk: Desk, signal: AbortSignal) => Promise<T>,
): Promise<T | typeof STOPPED> {
  const { terminal, byNpm } = invocation;
  let supervisor: Supervisor | undefined;
  const stop = listenForStop({
    onSecond() {
      supervisor?.kill();
      process.exit(130);
    },
    followParent: byNpm,
  });
  const attempt = async (desk: Desk): Promise<{ answer: T } | undefined> => {
    try {
      return { answer: await work(desk, stop.signal) };
    } catch (error) {
      if (stop.signal.aborted || (await desk.isOpen())) throw error;
      terminal.endBar();
      terminal.line('The Darkroom that did the work has stopped; going on with one of our own.');
      return undefined;
    } finally {
      if (stop.signal.aborted) terminal.line('Stopping; photos under way keep what is done of them.');
      await desk.close();
    }
  };
  try {
    for (;;) {
      const done = await attempt(await openDesk(invocation, stop.signal, (own) => (supervisor = own)));
      if (done !== undefined) return done.answer;
    }
  } catch (error) {
    terminal.endBar();
    if (!stop.signal.aborted) throw error;
    const start = byNpm ? 'npm start' : 'darkroom start';
    terminal.line(`Stopped. What is finished stays; run the same command again to go on, or \`${start}\`.`);
    return STOPPED;
  } finally {
    stop.release();
  }
}
