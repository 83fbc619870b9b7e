import type { EnhanceJob, EnhancedPhoto, EngineProgress } from './engine.ts';

/** One photo's stay in the pool, from `enhance()` to its settling, over as many engines as that takes. */
export interface Ticket extends Order {
  readonly id: number;
  /** In force: the job's ceiling, what memory allows, or half of that after it ran out. */
  tileSize: number;
  halvings: number;
  timesKilled: number;
  /** Must not share an engine. */
  alone: boolean;
  stage: EngineProgress['stage'];
  readonly inNetwork: boolean;
  /** Of the network, for the rest of the photo; `undefined` where nothing is known of it. */
  networkLeftMs: number | undefined;
  overdue: boolean;
}

export interface Order {
  readonly job: EnhanceJob;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: EngineProgress) => void;
  readonly resolve: (photo: EnhancedPhoto) => void;
  readonly reject: (reason: unknown) => void;
}

/** @param onAbort - called when the signal fires before the ticket is settled. */
export function openTicket(id: number, order: Order, onAbort: (ticket: Ticket) => void): Ticket {
  const listener = (): void => onAbort(ticket);
  const settled = (): void => order.signal.removeEventListener('abort', listener);
  const ticket: Ticket = {
    ...order,
    id,
    resolve: (photo) => {
      settled();
      order.resolve(photo);
    },
    reject: (reason) => {
      settled();
      order.reject(reason);
    },
    tileSize: order.job.options.tileSize,
    halvings: 0,
    timesKilled: 0,
    alone: false,
    stage: 'waiting',
    get inNetwork() {
      return this.stage === 'enhancing';
    },
    networkLeftMs: undefined,
    overdue: false,
  };
  order.signal.addEventListener('abort', listener, { once: true });
  return ticket;
}
