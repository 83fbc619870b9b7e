import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Scope } from '../contracts/api-keys.ts';
import { DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import { answerJson } from './answer-json.ts';
import { checkInput } from './check-input.ts';
import type { House } from './house.ts';
import { answerOnce } from './idempotency/answer-once.ts';
import { WITHOUT_KEY, type Once } from './idempotency/once.ts';
import { isConditional } from './openapi/protocol.ts';
import { contextOf, type RequestContext } from './request-context.ts';

/** For orders of many photos: a hundred thousand upload IDs fit. */
export const ORDER_BYTES = 4.5 * 1024 * 1024;

/** A request as its handler gets it: every part checked by the route's schemas. */
export interface Call<Params, Query, Body> extends RequestContext {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
  readonly response: Response;
  /** The request's Idempotency-Key, and what came of it before. */
  readonly once: Once;
  /** The batch that an earlier try under the key made before it broke off; of a form only `once.recall` can tell. */
  readonly made: BatchHeader | undefined;
}

export type Method = 'get' | 'head' | 'options' | 'post' | 'patch' | 'delete';

/** A multipart form: the field of its photos and how many there may be. Other fields are the route's query fields. */
export interface FormShape {
  readonly field: string;
  readonly many: boolean;
}

/** For requests and answers that a protocol of its own speaks in headers and plain bytes; only described, not checked. */
export interface WireShape {
  /** Request headers and what they say. */
  readonly headers: Readonly<Record<string, string>>;
  /** Media type of the request's body. */
  readonly sends?: string;
  /** Status of the answer, which has no body, and what it means. */
  readonly status: number;
  readonly means: string;
}

/** A route as data: the router, `/openapi.json` and `/docs` are made from it. */
export interface Route {
  readonly method: Method;
  /** As OpenAPI writes it: `/api/v1/status/{task_id}`. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly tag: string;
  /** Open to callers without an API key. */
  readonly open: boolean;
  /** What a key must be good for. */
  readonly scope: Scope;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly form: FormShape | undefined;
  /** Largest JSON body, where that is not the usual one. */
  readonly bodyBytes: number | undefined;
  readonly wire: WireShape | undefined;
  /** Whether Idempotency-Key and Prefer: wait are understood. */
  readonly once: boolean;
  readonly waits: boolean;
  /** Data of each event, where the answer is a stream of them. */
  readonly events: Readonly<Record<string, z.ZodType>> | undefined;
  /** Shape of the JSON answer, or the media type of what is sent instead. */
  readonly answer: z.ZodType | string;
  /** When the answer is a redirect (307) instead. */
  readonly redirects: string | undefined;
  /** Codes of the error table this route answers besides those every route can. */
  readonly problems: readonly ErrorCode[];
  serve(request: Request, response: Response, house: House): Promise<void>;
}

const READING: ReadonlySet<Method> = new Set(['get', 'head', 'options']);

interface RouteDefinition<Params, Query, Body> {
  method: Method;
  path: `/${string}`;
  summary: string;
  tag: string;
  open?: boolean;
  /** Default: `read` for what changes nothing, else `submit`. */
  scope?: Scope;
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** With a body schema as well, either may be sent; the handler of a form finds `body` undefined. */
  form?: FormShape;
  bodyBytes?: number;
  wire?: WireShape;
  /** The same request under the same Idempotency-Key is done once; the handler of a form calls `call.once.recall`. */
  once?: true;
  /** True for a handler that waits itself as `Prefer: wait` says; or what becomes of an answer after the wait. */
  waits?: true | ((reply: object, call: Call<Params, Query, Body>, house: House) => Promise<object>);
  events?: Readonly<Record<string, z.ZodType>>;
  answer: z.ZodType | string;
  redirects?: string;
  problems?: readonly ErrorCode[];
  /** Returns the JSON answer (200), or `undefined` when it has answered itself. */
  handle(call: Call<Params, Query, Body>, house: House): Promise<object | undefined>;
}

export function route<Params = unknown, Query = unknown, Body = unknown>(
  definition: RouteDefinition<Params, Query, Body>,
): Route {
  const { params, query, body } = definition;
  const conditional = isConditional({ ...definition, open: definition.open ?? false });
  return {
    method: definition.method,
    path: definition.path,
    summary: definition.summary,
    tag: definition.tag,
    open: definition.open ?? false,
    scope: definition.scope ?? (READING.has(definition.method) ? 'read' : 'submit'),
    params,
    query,
    body,
    form: definition.form,
    bodyBytes: definition.bodyBytes,
    wire: definition.wire,
    once: definition.once ?? false,
    waits: definition.waits !== undefined,
    events: definition.events,
    answer: definition.answer,
    redirects: definition.redirects,
    problems: definition.problems ?? [],
    async serve(request, response, house) {
      const call: Call<Params, Query, Body> = {
        ...contextOf(request),
        params: checkParams(params, request.params),
        query: checkInput(query ?? ANYTHING<Query>(), request.query, 'query'),
        body: checkBody(definition, request),
        request,
        response,
        once: WITHOUT_KEY,
        made: undefined,
      };
      const reply = await handle(definition, call, house);
      if (reply !== undefined) answerJson(request, response, reply, { conditional });
    },
  };
}

/** What is kept for an Idempotency-Key is the answer before the wait: each caller waits as long as it prefers. */
async function handle<Params, Query, Body>(
  definition: RouteDefinition<Params, Query, Body>,
  call: Call<Params, Query, Body>,
  house: House,
): Promise<object | undefined> {
  const { once, waits } = definition;
  const reply = once
    ? await answerOnce(call, house, (known, made) => definition.handle({ ...call, once: known, made }, house))
    : await definition.handle(call, house);
  return reply && typeof waits === 'function' ? waits(reply, call, house) : reply;
}

/** Parts that a route declares no schema for are not looked at by its handler. */
const ANYTHING = <T>(): z.ZodType<T> => z.unknown() as unknown as z.ZodType<T>;

/** An identifier that does not even have the shape of one names nothing: 404, not 400. */
function checkParams<Params>(schema: z.ZodType<Params> | undefined, given: unknown): Params {
  const parsed = (schema ?? ANYTHING<Params>()).safeParse(given);
  if (!parsed.success) throw new DarkroomError('not_found');
  return parsed.data;
}

function checkBody<Body>(
  { body, form }: Pick<RouteDefinition<unknown, unknown, Body>, 'body' | 'form'>,
  request: Request,
): Body {
  const sentForm = form !== undefined && request.is('multipart/form-data') !== false;
  return checkInput(
    body && !sentForm ? body : ANYTHING<Body>(),
    body && !sentForm ? requireBody(request) : undefined,
    'body',
  );
}

/** `express.json` leaves the body undefined when the media type is not JSON. */
function requireBody(request: Request): unknown {
  const body: unknown = request.body;
  if (body !== undefined) return body;
  const sent = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (sent) throw new DarkroomError('unsupported_media_type');
  throw new DarkroomError('invalid_request', 'The request has no body; a JSON object is expected.');
}
