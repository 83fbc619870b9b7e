import { Resolver } from 'node:dns/promises';

/** All addresses of a name, IPv4 first; none when nobody knows it. Rejects only when `signal` is aborted. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

const PATIENCE_MS = 2000;
const TRIES = 2;

/**
 * Asks the name servers of this host itself: the system's own way (`getaddrinfo`) waits in one of Node's four threads, so
 * that four names whose servers are silent would hold up every file. The price is that the hosts file and search domains
 * are not looked at; names have to be whole.
 */
export const resolveByDns: Resolve = async (name, signal) => {
  signal.throwIfAborted();
  if (name === 'localhost') return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: PATIENCE_MS, tries: TRIES });
  const stop = (): void => resolver.cancel();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    signal.throwIfAborted();
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
