import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

/**
 * Sends a JSON answer. One that can be asked for again carries a weak ETag of its content: who names it in If-None-Match is
 * told 304, without the body, when nothing has changed.
 */
export function answerJson(
  request: Request,
  response: Response,
  reply: object,
  options: { conditional: boolean },
): void {
  const body = JSON.stringify(reply);
  if (options.conditional) {
    const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, ETAG_CHARACTERS)}"`;
    response.set({ ETag: etag, 'Cache-Control': 'no-cache, private' });
    if (isNamed(request.get('if-none-match'), etag)) {
      response.status(304).end();
      return;
    }
  }
  response.type('application/json').send(body);
}

const ETAG_CHARACTERS = 27;

/** Weak comparison (RFC 9110): whether a tag is marked weak does not count. Express's own asks for more than that. */
const isNamed = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag.slice(2));
