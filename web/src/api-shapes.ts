import * as z from 'zod/mini';
import { catch as otherwise } from 'zod/mini';

/** What the API answers, as far as the page reads it. Unknown fields are ignored: the server may be newer. */

export const QUALITIES = ['fast', 'medium', 'high'] as const;
export const SCALES = [1, 2, 3, 4, 8] as const;
export const FACES = ['auto', 'off', 'on'] as const;
export const FORMATS = ['same', 'jpeg', 'png', 'webp', 'avif', 'tiff'] as const;
export const METADATA = ['keep', 'privacy', 'strip'] as const;
export type Quality = (typeof QUALITIES)[number];

/** The options of the contract, under its names; `denoise` null is the network as it was trained. */
export interface Options {
  quality_level: Quality;
  scale: number;
  face: (typeof FACES)[number];
  denoise: number | null;
  output_format: (typeof FORMATS)[number];
  metadata: (typeof METADATA)[number];
  tile_size: number;
}

const text = z.string();
const number = z.number();
const maybeText = otherwise(z.nullable(text), null);
const maybeNumber = otherwise(z.nullable(number), null);

/** `GET /` with `Accept: application/json`. */
export const aboutShape = z.object({
  version: text,
  features: otherwise(
    z.object({
      max_file_bytes: z.optional(number),
      temporal_ui: z.optional(z.nullable(text)),
      api_keys: z.optional(z.boolean()),
    }),
    {},
  ),
});
export type About = z.infer<typeof aboutShape>;

export const healthShape = z.object({
  status: text,
  model_status: z.object({
    initialized: z.boolean(),
    cuda_available: z.boolean(),
    /** Execution provider, such as `cpu`; `none` while no worker is there. */
    device: text,
    notices: otherwise(z.array(text), []),
  }),
  message: otherwise(text, ''),
});
export type Health = z.infer<typeof healthShape>;

/** A batch; times are epoch seconds, `eta` is seconds. */
export const batchShape = z.object({
  batch_id: text,
  state: text,
  /** Whether photos may still be added. */
  open: z.boolean(),
  options: z.object({ quality_level: text, scale: z.nullable(number) }),
  destination: z.object({ kind: text, path: maybeText }),
  total: number,
  completed: number,
  failed: number,
  work_done: number,
  eta: maybeNumber,
  created_at: number,
  updated_at: number,
});
export type Batch = z.infer<typeof batchShape>;

const size = z.object({ width: number, height: number });

/** A photo as events tell it; listings say more. */
export const photoShape = z.object({
  task_id: text,
  index: number,
  filename: text,
  status: text,
  progress: number,
  attempts: otherwise(number, 0),
  error: maybeText,
  error_code: maybeText,
  hint: z.optional(z.nullable(text)),
  original: z.optional(z.nullable(size)),
  result: z.optional(z.nullable(z.extend(size, { bytes: number, content_type: text }))),
  timings: z.optional(z.nullable(z.object({ decode: number, network: number, encode: number, total: number }))),
  recipe: z.optional(z.nullable(z.object({ model: text, device: text, tileSize: number, summary: z.optional(text) }))),
  warnings: z.optional(z.array(text)),
  started_at: z.optional(z.nullable(number)),
  finished_at: z.optional(z.nullable(number)),
});
export type Photo = z.infer<typeof photoShape>;

export const photoPageShape = z.object({ photos: z.array(photoShape), next_cursor: maybeText });
export type PhotoPage = z.infer<typeof photoPageShape>;

/** The events of a batch by name. */
export const snapshotShape = z.object({ batch: batchShape, photos: z.array(photoShape) });
export const progressShape = z.object({
  total: number,
  completed: number,
  failed: number,
  work_done: number,
  eta: maybeNumber,
  updated_at: number,
});

export const addedShape = z.object({ task_ids: z.array(text) });

export const planShape = z.object({
  photos: z.array(z.object({ name: text, error: maybeText, error_code: maybeText })),
  total: z.object({
    planned: number,
    refused: number,
    megapixels: number,
    result_bytes: number,
    seconds: maybeNumber,
  }),
  disk: z.object({ enough: z.nullable(z.boolean()) }),
  engines: number,
});
export type Plan = z.infer<typeof planShape>;

export const operationShape = z.object({
  operation_id: text,
  kind: z.enum(['batch', 'rollback']),
  state: text,
  created_at: number,
  updated_at: number,
  total: number,
  completed: number,
  failed: number,
  undo: z.nullable(
    z.object({
      operations: z.array(text),
      counts: z.object({ undone: number, nothing_to_undo: number, left_changed: number, failed: number }),
    }),
  ),
  undoable: z.boolean(),
  undoable_reason: maybeText,
  rolled_back_by: maybeText,
});
export type Operation = z.infer<typeof operationShape>;

export const operationListShape = z.object({ operations: z.array(operationShape), next_cursor: maybeText });
export type OperationList = z.infer<typeof operationListShape>;

export const operationDetailShape = z.extend(operationShape, {
  photos: z.array(z.object({ task_id: text, result: text, message: text })),
});
export type OperationDetail = z.infer<typeof operationDetailShape>;

export const rollbackShape = z.object({ operation_id: text });

const sampleShape = z.object({
  timestamp: number,
  cpu_usage: maybeNumber,
  memory_usage: maybeNumber,
  gpu_usage: maybeNumber,
  device_busy: maybeNumber,
  active_tasks: number,
  queue_size: maybeNumber,
  workers: number,
  total_processed: number,
});
export type Sample = z.infer<typeof sampleShape>;

export const performanceShape = z.object({
  workers: z.array(
    z.object({
      state: text,
      device: text,
      engines: number,
      active_tasks: number,
      engine_memory_bytes: maybeNumber,
    }),
  ),
  history: z.array(sampleShape),
});
export type Performance = z.infer<typeof performanceShape>;

export const modelsShape = z.object({
  models: z.array(
    z.object({
      name: text,
      title: text,
      licence: text,
      resident: z.boolean(),
      serves: z.array(text),
      devices: otherwise(z.array(text), []),
    }),
  ),
  notices: otherwise(z.array(text), []),
});
export type Models = z.infer<typeof modelsShape>;

/** `GET /api/v1/session`: what the key of this browser may do. */
export const rightsShape = z.object({ active: z.boolean(), scopes: z.array(text) });
export type Rights = z.infer<typeof rightsShape>;
export type Scope = 'read' | 'submit' | 'control';

export const problemShape = z.object({
  title: otherwise(text, ''),
  detail: otherwise(text, ''),
  code: otherwise(text, ''),
});
