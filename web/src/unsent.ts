import { keepPreference, keptPreference } from './preference.ts';

/** How many photos each open batch of this browser was to get: what tells, after a reload, that some never arrived. */

const NAME = 'unsent';
const KEPT = 20;

type Unsent = [batchId: string, total: number][];

function read(): Unsent {
  try {
    const kept: unknown = JSON.parse(keptPreference(NAME) ?? '[]');
    return Array.isArray(kept) ? (kept as Unsent) : [];
  } catch {
    return [];
  }
}

export function rememberUnsent(batchId: string, photos: number): void {
  const others = read().filter(([id]) => id !== batchId);
  keepPreference(NAME, JSON.stringify([[batchId, photos], ...others].slice(0, KEPT)));
}

export function forgetUnsent(batchId: string): void {
  keepPreference(NAME, JSON.stringify(read().filter(([id]) => id !== batchId)));
}

export const unsentOf = (batchId: string): number | undefined => read().find(([id]) => id === batchId)?.[1];
