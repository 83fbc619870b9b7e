import type { Router } from 'express';
import type { Route } from '../route.ts';
import { describeApi } from './document.ts';
import { docsPage } from './page.ts';

/**
 * Serves the description of the routes in both forms; made once, since neither changes while the process lives. Bytes, not texts:
 * answers that wait for their clients share them.
 */
export function serveDescription(router: Router, routes: readonly Route[], version: string): void {
  const document = Buffer.from(JSON.stringify(describeApi(routes, version)));
  const page = Buffer.from(docsPage(routes, version));
  router.get('/openapi.json', (_request, response) => void response.type('json').send(document));
  router.get('/docs', (_request, response) => void response.type('html').send(page));
}
