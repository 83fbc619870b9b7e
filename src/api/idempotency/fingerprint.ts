import { createHash } from 'node:crypto';
import type { Request } from 'express';

/** What makes two requests the same: address, settings, and the body by content. The boundary of a form is not part of it. */
export function fingerprintOf(request: Request, body: unknown): string {
  const asked = [request.method, request.path, sorted(request.query), sorted(body)];
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}

/** The same JSON whatever the order of its fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, held]) => [name, sorted(held)]);
}
