import { z } from 'zod';
import { operationStateSchema } from './http.ts';
import { cursorText, integerText } from './http-requests.ts';
import { count, epochSeconds } from './http-numbers.ts';
import { UNDO_RESULTS } from './operations.ts';

/** The HTTP contract of history and undoing: what is asked, and what is answered. */

const identifier = z.string().min(1).max(100);

export const rollbackRequestSchema = z
  .strictObject({
    operation_id: identifier.optional(),
    operation_ids: z.array(identifier).min(1).max(1000).optional(),
    task_ids: z.array(identifier).min(1).max(10_000).optional().describe('Undo only these photos of them.'),
  })
  .refine(
    ({ operation_id, operation_ids }) => (operation_id === undefined) !== (operation_ids === undefined),
    'must name either operation_id or operation_ids',
  );

export const rollbackAnswerSchema = z.object({
  operation_id: z.string().describe('Of the rollback.'),
  created: z.boolean().describe('False when the same rollback was asked for before.'),
  retried: count.describe('Photos that its last run left or could not undo, and that are tried again now.'),
  created_at: epochSeconds,
  photos: count.describe('Photos it covers, in all.'),
  undoes: z.array(
    z.object({
      operation_id: z.string(),
      task_ids: z.array(z.string()).nullable().describe('The photos that were chosen; null: all of them.'),
    }),
  ),
  status_url: z.string(),
  message: z.string(),
});
export type RollbackAnswer = z.infer<typeof rollbackAnswerSchema>;

export const operationSchema = z.object({
  operation_id: z.string(),
  kind: z.enum(['batch', 'rollback']),
  tenant: z.string().describe('Who.'),
  state: operationStateSchema,
  created_at: epochSeconds,
  updated_at: epochSeconds,
  total: count,
  completed: count.describe('Of a batch: photos enhanced. Of a rollback: photos undone.'),
  failed: count.describe('Of a batch: photos that failed. Of a rollback: photos left alone or not undone.'),
  undo: z
    .object({
      operations: z.array(z.string()).describe('What it undoes.'),
      counts: z.object({ undone: count, nothing_to_undo: count, left_changed: count, failed: count }),
    })
    .nullable()
    .describe('Details of a rollback.'),
  undoable: z.boolean(),
  undoable_reason: z.string().nullable().describe('Why it cannot be undone.'),
  rolled_back_by: z.string().nullable(),
  tags: z.array(z.string()),
  message: z.string(),
});
export type OperationAnswer = z.infer<typeof operationSchema>;

export const operationPageSchema = z.object({
  kind: z.enum(['batch', 'rollback']).optional(),
  state: operationStateSchema.optional(),
  cursor: cursorText.optional(),
  limit: integerText(1, 200, 'Operations in one answer; 50 unless said.').optional(),
});
export const OPERATIONS_PER_ANSWER = 50;

export const operationListSchema = z.object({
  operations: z.array(operationSchema),
  next_cursor: z.string().nullable(),
});
export type OperationList = z.infer<typeof operationListSchema>;

export const undonePageSchema = z.object({ cursor: cursorText.optional() });

export const operationDetailSchema = operationSchema.extend({
  photos: z
    .array(z.object({ task_id: z.string(), result: z.enum(UNDO_RESULTS), message: z.string() }))
    .describe('Of a rollback: what became of each photo it has come to. Photos of a batch: see photos_url.'),
  next_cursor: z.string().nullable(),
  photos_url: z.string().nullable().describe('Of a batch.'),
});
export type OperationDetail = z.infer<typeof operationDetailSchema>;
