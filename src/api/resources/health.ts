import { DarkroomError } from '../../contracts/errors.ts';
import { healthSchema, probeSchema, readinessSchema, type Health } from '../../contracts/http-service.ts';
import { obstacleOf } from '../../checks/readiness.ts';
import { activePhotos, diagnose } from '../../checks/vitals.ts';
import { route } from '../route.ts';

const CUDA_DEVICES = new Set(['cuda', 'tensorrt']);

export const health = route({
  method: 'get',
  path: '/health',
  tag: 'Server',
  summary: 'Whether photos are really being worked on',
  open: true,
  answer: healthSchema,
  async handle(_call, { vitals, clock }): Promise<Health> {
    const seen = await vitals();
    const { state, message } = diagnose(seen);
    const ready = seen.workers.filter((worker) => worker.state === 'ready');
    return {
      status: state,
      timestamp: clock() / 1000,
      active_tasks: activePhotos(seen),
      model_status: {
        initialized: ready.some(({ models }) => models.some(({ resident }) => resident)),
        cuda_available: ready.some(({ device }) => CUDA_DEVICES.has(device)),
        device: ready[0]?.device ?? 'none',
        notices: [...new Set(seen.workers.flatMap(({ notices }) => notices))],
      },
      message,
    };
  },
});

export const livez = route({
  method: 'get',
  path: '/livez',
  tag: 'Server',
  summary: 'Answers while the process can',
  open: true,
  answer: probeSchema,
  handle: () => Promise.resolve({ status: 'alive' }),
});

export const readyz = route({
  method: 'get',
  path: '/readyz',
  tag: 'Server',
  summary:
    'Answers 200 when store, Temporal and a worker do what they should, else 503 or 507; `darkroom doctor` says more',
  open: true,
  answer: readinessSchema,
  problems: ['not_ready', 'temporal_unavailable', 'storage_unavailable', 'storage_full'],
  async handle(_call, { readiness }) {
    const findings = await readiness();
    const obstacle = obstacleOf(findings);
    if (obstacle !== undefined) throw new DarkroomError(obstacle.code, obstacle.message);
    return { status: 'ready', checks: findings.map(({ check, state, message }) => ({ check, state, message })) };
  },
});
