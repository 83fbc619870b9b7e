import express, { Router, type Express, type RequestHandler } from 'express';
import { DarkroomError } from '../contracts/errors.ts';
import { preferCompressed } from './compressed-assets.ts';
import { limitTenants } from './guards/allowances.ts';
import { requireKey } from './guards/api-keys.ts';
import { neverStore, secureHeaders } from './guards/headers.ts';
import { guardHost, guardOrigins } from './guards/origins.ts';
import { limitBodies } from './guards/slow-bodies.ts';
import type { House } from './house.ts';
import { serveDescription } from './openapi/describe-routes.ts';
import { DOCS_STYLE_HASH } from './openapi/page.ts';
import { answerErrors } from './problem.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { traceRequests } from './trace.ts';

/** Room for the text fields and boundaries around the photos of a form. */
const FORM_OVERHEAD_BYTES = 1024 * 1024;
const JSON_BODY_BYTES = 1024 * 1024;

/** The HTTP application. It starts nothing: the owner listens with it, and starts and stops the house's sampler. */
export function createApp(house: House): Express {
  const { config, webDir } = house;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // `answer-json.ts` and downloads make their own
  app.use(traceRequests(house));
  app.use(secureHeaders([DOCS_STYLE_HASH]), neverStore);
  app.use(guardOrigins(config.CORS_ORIGINS));
  app.use(guardHost(config.CORS_ORIGINS, house.keys));
  app.use(
    limitBodies({
      idleMs: config.UPLOAD_IDLE_TIMEOUT_MS,
      maxBytes: config.UPLOAD_MAX_BYTES * config.BATCH_FORM_MAX_FILES + FORM_OVERHEAD_BYTES,
    }),
  );
  app.use(routerOf(ROUTES, house));
  app.use(preferCompressed(webDir));
  app.use(express.static(webDir, { index: false, dotfiles: 'ignore', redirect: false, setHeaders: cacheAssets }));
  app.use(() => {
    throw new DarkroomError('not_found', 'There is nothing at this address; /docs lists what there is.');
  });
  app.use(answerErrors);
  return app;
}

function routerOf(routes: readonly Route[], house: House): Router {
  const router = Router();
  const limit = limitTenants(house.config, house.clock);
  for (const route of routes) {
    const before: RequestHandler[] = [
      measure(route, house),
      ...(route.open ? [] : [requireKey(house.keys, route.scope), limit]),
      ...(route.body ? [express.json({ limit: route.bodyBytes ?? JSON_BODY_BYTES })] : []),
    ];
    router[route.method](expressPath(route.path), ...before, (request, response) =>
      route.serve(request, response, house),
    );
  }
  serveDescription(router, routes, house.version);
  for (const [path, methods] of methodsByPath(routes)) router.all(expressPath(path), refuseMethod(methods));
  return router;
}

/** How long answers take, by route. */
const measure =
  ({ path }: Route, { meters, clock }: House): RequestHandler =>
  (request, response, next) => {
    const startedAt = clock();
    response.once('close', () =>
      meters.answered(request.method, path, response.statusCode, (clock() - startedAt) / 1000),
    );
    next();
  };

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

function methodsByPath(routes: readonly Route[]): Map<string, string> {
  const methods = new Map<string, string[]>([
    ['/openapi.json', ['GET', 'HEAD']],
    ['/docs', ['GET', 'HEAD']],
  ]);
  for (const { path, method } of routes) {
    const added = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...added]);
  }
  return new Map([...methods].map(([path, known]) => [path, [...new Set([...known, 'OPTIONS'])].join(', ')]));
}

const refuseMethod =
  (methods: string): RequestHandler =>
  (request, response) => {
    response.set('Allow', methods);
    if (request.method !== 'OPTIONS') throw new DarkroomError('method_not_allowed');
    response.status(204).end();
  };

/** Vite puts a hash of the content into the names below `assets`. */
function cacheAssets(response: { setHeader(name: string, value: string): unknown }, path: string): void {
  const hashed = /[\\/]assets[\\/]/.test(path);
  response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
}
