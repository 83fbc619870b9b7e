import * as z from 'zod/mini';
import { QUALITIES } from './api-shapes.ts';
import { keepPreference, keptPreference } from './preference.ts';

/**
 * A job is what one press of the button sent: one batch, or several when there were more photos than one form takes.
 * The browser remembers which; everything else is asked of the server.
 */
const jobShape = z.object({
  /** The first of its batches. */
  id: z.string(),
  batches: z.array(z.string()),
  createdAt: z.number(),
  /** Photos the person chose, sent or not. */
  total: z.number(),
  quality: z.optional(z.enum(QUALITIES)),
  scale: z.optional(z.union([z.literal(2), z.literal(4)])),
});
export type Job = z.infer<typeof jobShape>;

const NAME = 'jobs';
const KEPT = 30;

/** Newest first. */
export function rememberedJobs(): Job[] {
  try {
    return z.array(jobShape).parse(JSON.parse(keptPreference(NAME) ?? '[]'));
  } catch {
    return []; // written by another version of the page
  }
}

/** Adds the job, or replaces what was remembered of it. */
export function rememberJob(job: Job): void {
  write([job, ...rememberedJobs().filter((other) => other.id !== job.id)]);
}

export function forgetJob(id: string): void {
  write(rememberedJobs().filter((job) => job.id !== id));
}

/** A job that another browser started: known by its address alone. */
export const unknownJob = (batchId: string): Job => ({ id: batchId, batches: [batchId], createdAt: 0, total: 0 });

/** The batch that a task belongs to: a task is named after it. */
export const batchOfTask = (taskId: string): string => {
  const dot = taskId.lastIndexOf('.');
  return dot < 0 ? taskId : taskId.slice(0, dot);
};

const write = (jobs: readonly Job[]): void => keepPreference(NAME, JSON.stringify(jobs.slice(0, KEPT)));
