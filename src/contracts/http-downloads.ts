import { z } from 'zod';

/** What of a batch an archive is to hold. */

const TASKS_IN_A_QUERY = 200;

const taskList = z
  .string()
  .transform((list) => list.split(',').map((id) => id.trim()))
  .pipe(z.array(z.string().max(100)).max(TASKS_IN_A_QUERY, `must name ${TASKS_IN_A_QUERY} photos at most`))
  .meta({
    openapi: { type: 'string', description: 'Photos of the batch, separated by commas; all of them unless said.' },
  });

export const archiveQuerySchema = z.object({
  partial: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform((text) => text === 'true')
    .meta({
      openapi: { type: 'boolean', description: 'With `false` there is no archive before the batch has ended.' },
    })
    .optional(),
  task_ids: taskList.optional(),
});
