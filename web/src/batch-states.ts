/** What the states of batches, rollbacks and photos mean for the page. */

const SETTLED = new Set(['completed', 'partial_completed', 'failed', 'cancelled', 'rolled_back']);

export const isSettled = (state: string): boolean => SETTLED.has(state);

export const isOver = (photoStatus: string): boolean => photoStatus !== 'queued' && photoStatus !== 'processing';
