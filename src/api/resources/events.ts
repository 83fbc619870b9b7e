import { batchIdParamsSchema } from '../../contracts/http-batch-requests.ts';
import { BATCH_EVENTS, EVENT_ID_LENGTH, eventsQuerySchema } from '../../contracts/http-events.ts';
import { ownBatch } from '../ownership.ts';
import { route } from '../route.ts';

export const batchEvents = route({
  method: 'get',
  path: '/api/v1/batches/{batch_id}/events',
  tag: 'Batches',
  summary: 'Follow a batch as server-sent events: a snapshot, then what changes, until it ends',
  params: batchIdParamsSchema,
  query: eventsQuerySchema,
  answer: 'text/event-stream',
  events: BATCH_EVENTS,
  problems: ['not_found', 'invalid_request', 'too_many_streams', 'streams_exhausted'],
  async handle({ params, query, tenant, request, response }, house) {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return undefined;
    }
    // One that is too long to be ours is like none: the snapshot says everything.
    const given = request.get('last-event-id') ?? query.last_event_id;
    const lastEventId = given === undefined || given.length > EVENT_ID_LENGTH ? undefined : given;
    await house.events.open(response, { tenant, batchId, lastEventId });
    return undefined;
  },
});
