import { performanceSchema, type PerformanceAnswer } from '../../contracts/http.ts';
import { route } from '../route.ts';

export const performance = route({
  method: 'get',
  path: '/api/v1/performance',
  tag: 'Server',
  summary: 'Load of this host and its workers, now and over the last ten minutes',
  answer: performanceSchema,
  async handle(_call, { sampler, clock }): Promise<PerformanceAnswer> {
    const now = await sampler.current();
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
      timestamp: clock() / 1000,
    };
  },
});
