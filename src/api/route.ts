import type { Request, Response } from 'express';
import { z } from 'zod';
import { DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import { checkInput } from './check-input.ts';
import type { House } from './house.ts';
import { contextOf, type RequestContext } from './request-context.ts';

/** A request as its handler gets it: every part checked by the route's schemas. */
export interface Call<Params, Query, Body> extends RequestContext {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
  readonly response: Response;
}

export type Method = 'get' | 'post' | 'patch' | 'delete';

/** A multipart form: the field of its photos and how many there may be. Other fields are the route's query fields. */
export interface FormShape {
  readonly field: string;
  readonly many: boolean;
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
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly form: FormShape | undefined;
  /** Shape of the JSON answer, or the media type of what is sent instead. */
  readonly answer: z.ZodType | string;
  /** Codes of the error table this route answers besides those every route can. */
  readonly problems: readonly ErrorCode[];
  serve(request: Request, response: Response, house: House): Promise<void>;
}

interface RouteDefinition<Params, Query, Body> {
  method: Method;
  path: `/${string}`;
  summary: string;
  tag: string;
  open?: boolean;
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  form?: FormShape;
  answer: z.ZodType | string;
  problems?: readonly ErrorCode[];
  /** Returns the JSON answer (200), or `undefined` when it has answered itself. */
  handle(call: Call<Params, Query, Body>, house: House): Promise<object | undefined>;
}

export function route<Params = unknown, Query = unknown, Body = unknown>(
  definition: RouteDefinition<Params, Query, Body>,
): Route {
  const { params, query, body } = definition;
  return {
    method: definition.method,
    path: definition.path,
    summary: definition.summary,
    tag: definition.tag,
    open: definition.open ?? false,
    params,
    query,
    body,
    form: definition.form,
    answer: definition.answer,
    problems: definition.problems ?? [],
    async serve(request, response, house) {
      const call: Call<Params, Query, Body> = {
        ...contextOf(request),
        params: checkParams(params, request.params),
        query: checkInput(query ?? ANYTHING<Query>(), request.query, 'query'),
        body: checkInput(body ?? ANYTHING<Body>(), body ? requireBody(request) : undefined, 'body'),
        request,
        response,
      };
      const reply = await definition.handle(call, house);
      if (reply !== undefined) response.json(reply);
    },
  };
}

/** Parts that a route declares no schema for are not looked at by its handler. */
const ANYTHING = <T>(): z.ZodType<T> => z.unknown() as unknown as z.ZodType<T>;

/** An identifier that does not even have the shape of one names nothing: 404, not 400. */
function checkParams<Params>(schema: z.ZodType<Params> | undefined, given: unknown): Params {
  const parsed = (schema ?? ANYTHING<Params>()).safeParse(given);
  if (!parsed.success) throw new DarkroomError('not_found');
  return parsed.data;
}

/** `express.json` leaves the body undefined when the media type is not JSON. */
function requireBody(request: Request): unknown {
  const body: unknown = request.body;
  if (body !== undefined) return body;
  const sent = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (sent) throw new DarkroomError('unsupported_media_type');
  throw new DarkroomError('invalid_request', 'The request has no body; a JSON object is expected.');
}
