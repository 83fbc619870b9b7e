import { performanceSchema, type PerformanceAnswer } from '../../contracts/http-service.ts';
import { performanceQuerySchema } from '../../contracts/http-requests.ts';
import type { AutoscalerReport } from '../../contracts/autoscaling.ts';
import type { WorkerReport } from '../../contracts/worker-report.ts';
import type { PerformanceSample } from '../performance/sampler.ts';
import { route } from '../route.ts';

export const performance = route({
  method: 'get',
  path: '/api/v1/performance',
  tag: 'Server',
  summary: 'Load of this host and its workers, now and over the last ten minutes',
  query: performanceQuerySchema,
  answer: performanceSchema,
  async handle({ query }, { sampler, vitals, service, clock }): Promise<PerformanceAnswer> {
    const [now, { workers }, autoscalers] = await Promise.all([
      sampler.current(),
      vitals(),
      service.autoscalers().catch(() => []),
    ]);
    return {
      current_metrics: {
        timestamp: now.at / 1000,
        cpu_usage: now.cpuUsage,
        memory_usage: now.memoryUsage,
        gpu_usage: now.gpuUsage,
        gpu_memory: now.gpuMemory,
        active_tasks: now.activeTasks,
        queue_size: now.queueSize,
        avg_processing_time: now.avgProcessingTime,
      },
      performance_summary: {
        avg_cpu_usage: sampler.average((sample) => sample.cpuUsage),
        avg_memory_usage: sampler.average((sample) => sample.memoryUsage),
        avg_gpu_usage: sampler.average((sample) => sample.gpuUsage),
        avg_gpu_memory: sampler.average((sample) => sample.gpuMemory),
        avg_processing_time: now.avgProcessingTime,
        total_processed: now.totalProcessed,
      },
      workers: workers.map(describeWorker),
      autoscalers: autoscalers.map(describeAutoscaler),
      ...(query.history === true ? { history: sampler.history.map(describeSample) } : {}),
      timestamp: clock() / 1000,
    };
  },
});

const describeWorker = (worker: WorkerReport): PerformanceAnswer['workers'][number] => ({
  state: worker.state,
  device: worker.device,
  engines: worker.lanes,
  active_tasks: worker.activePhotos,
  engine_memory_bytes: worker.engineMemoryBytes,
});

const describeAutoscaler = (report: AutoscalerReport): PerformanceAnswer['autoscalers'][number] => ({
  workers: report.workers,
  min_workers: report.minWorkers,
  max_workers: report.maxWorkers,
  reason: report.reason,
  hired: report.hired,
  dismissed: report.dismissed,
  events: report.events.map(({ at, ...change }) => ({ timestamp: at / 1000, ...change })),
});

const describeSample = (sample: PerformanceSample): NonNullable<PerformanceAnswer['history']>[number] => ({
  timestamp: sample.at / 1000,
  cpu_usage: sample.cpuUsage,
  memory_usage: sample.memoryUsage,
  gpu_usage: sample.gpuUsage,
  device_busy: sample.deviceBusy,
  active_tasks: sample.activeTasks,
  queue_size: sample.queueSize,
  workers: sample.workers,
  total_processed: sample.totalProcessed,
});
