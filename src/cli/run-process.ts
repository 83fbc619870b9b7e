import { spawn } from 'node:child_process';
import { loadProfile } from '../temporal/profile.ts';
import type { Invocation } from './invocation.ts';
import { listenForStop } from './stop-signals.ts';

/**
 * `darkroom worker` and `darkroom api`: one process of the house in the foreground, for machines where something else is the
 * supervisor. Its log goes to the terminal. @returns its exit code.
 */
export async function runProcess(name: 'worker' | 'api', invocation: Invocation): Promise<number> {
  const { loaded, scripts } = invocation;
  const { address, namespace } = loadProfile(loaded.environment);
  const env = {
    ...loaded.environment,
    ...(address === undefined ? {} : { TEMPORAL_ADDRESS: address }),
    ...(namespace === undefined ? {} : { TEMPORAL_NAMESPACE: namespace }),
  };
  // The channel is how the process learns that we were killed: without it a worker would go on polling, and nobody would know of it.
  const child = spawn(process.execPath, [scripts[name]], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  // In a group of its own it hears of Ctrl-C once, from here, whatever npm and the terminal send.
  const stop = listenForStop({ onSecond: () => child.kill('SIGKILL'), followParent: invocation.byNpm });
  stop.signal.addEventListener('abort', () => child.kill('SIGTERM'));
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    stop.release();
  }
}
