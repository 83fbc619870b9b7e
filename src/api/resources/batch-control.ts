import type { ControlledBatch, ResumeReport } from '../../batches/batch-service.ts';
import { batchControlledSchema, type BatchControlled } from '../../contracts/http-batches.ts';
import { batchIdParamsSchema, changeBatchSchema } from '../../contracts/http-batch-requests.ts';
import { resumeAnswerSchema, type ResumeAnswer } from '../../contracts/http.ts';
import type { House } from '../house.ts';
import { ownBatch } from '../ownership.ts';
import { route, type Route } from '../route.ts';
import { requireRoomAgain } from '../uploads/requirements.ts';
import { describeBatch } from './describe-batch.ts';

const PROBLEMS = ['not_found', 'wrong_state', 'temporal_unavailable'] as const;

type Verb = 'pause' | 'cancel' | 'seal';

const controlRoute = (verb: Verb, summary: string): Route =>
  route({
    method: 'post',
    path: `/api/v1/batches/{batch_id}/${verb}`,
    scope: verb === 'seal' ? 'submit' : 'control', // who adds the photos says when they are all there
    tag: 'Batches',
    summary,
    params: batchIdParamsSchema,
    answer: batchControlledSchema,
    problems: PROBLEMS,
    async handle({ params, tenant }, house): Promise<BatchControlled> {
      const { batchId } = await ownBatch(house, tenant, params.batch_id);
      return describeControlled(await house.service[verb](batchId), house);
    },
  });

export const pauseBatch = controlRoute('pause', 'Start no further photo; those under way finish');
export const cancelBatch = controlRoute(
  'cancel',
  'Stop the photos under way and end the batch; what is finished stays',
);
export const sealBatch = controlRoute('seal', 'Add no photo any more: the batch ends when those it has are done');

const againRoute = (verb: 'resume' | 'retry', summary: string): Route =>
  route({
    method: 'post',
    path: `/api/v1/batches/{batch_id}/${verb}`,
    scope: 'control',
    tag: 'Batches',
    summary,
    params: batchIdParamsSchema,
    answer: resumeAnswerSchema,
    problems: [...PROBLEMS, 'removed', 'too_many_photos'],
    async handle(call, house): Promise<ResumeAnswer> {
      const { batchId } = await ownBatch(house, call.tenant, call.params.batch_id);
      await requireRoomAgain(call, house, batchId, verb);
      return describeResumed(await house.service[verb](batchId));
    },
  });

export const resumeBatch = againRoute('resume', 'Go on after a pause, or take up again what has ended');
export const retryBatch = againRoute('retry', 'Do the failed photos again');

export const changeBatch = route({
  method: 'patch',
  path: '/api/v1/batches/{batch_id}',
  scope: 'control',
  tag: 'Batches',
  summary: 'Change priority or max_workers while the batch runs',
  params: batchIdParamsSchema,
  body: changeBatchSchema,
  answer: batchControlledSchema,
  problems: ['invalid_request', ...PROBLEMS],
  async handle({ params, body, tenant }, house): Promise<BatchControlled> {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    const { priority, max_workers: maxWorkers } = body;
    const changes: ((service: House['service']) => Promise<ControlledBatch>)[] = [];
    if (priority !== undefined) changes.push((service) => service.setPriority(batchId, priority));
    if (maxWorkers !== undefined) changes.push((service) => service.setMaxWorkers(batchId, maxWorkers));
    const after = [];
    for (const change of changes) after.push(await change(house.service));
    const last = after.at(-1);
    if (!last) throw new TypeError('Expected a change, which the schema asks for');
    return describeControlled({ ...last, changed: after.some(({ changed }) => changed) }, house);
  },
});

const describeControlled = (batch: ControlledBatch, { config }: House): BatchControlled => ({
  ...describeBatch(batch, config),
  changed: batch.changed,
});

export const describeResumed = ({ batchId, action, kept, remaining, message }: ResumeReport): ResumeAnswer => ({
  operation_id: batchId,
  action,
  kept,
  remaining,
  message,
});
