import { Context } from '@temporalio/activity';

const HEARTBEAT_INTERVAL_MS = 2000;

/** Lets Temporal know that this worker still lives while `work` goes on; what takes less costs nothing. */
export async function withHeartbeats<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
