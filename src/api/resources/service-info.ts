import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { serviceInfoSchema, type ServiceInfo } from '../../contracts/http-service.ts';
import { OUTPUT_FORMATS, QUALITY_LEVELS, SCALES } from '../../contracts/options.ts';
import { PHOTO_FORMATS } from '../../contracts/photo-format.ts';
import type { House } from '../house.ts';
import { route } from '../route.ts';

/** The page for people, JSON for programs: whoever does not ask for HTML first gets JSON, as the reference answered. */
export const serviceInfo = route({
  method: 'get',
  path: '/',
  tag: 'Server',
  summary: 'What this server is; the web page for a browser',
  open: true,
  answer: serviceInfoSchema,
  async handle({ request, response }, house): Promise<ServiceInfo | undefined> {
    response.vary('Accept');
    const page = resolve(house.webDir, 'index.html');
    if (request.accepts(['json', 'html']) === 'html' && (await exists(page))) {
      response.set('Cache-Control', 'no-cache');
      await new Promise<void>((done, failed) => {
        response.sendFile('index.html', { root: resolve(house.webDir), cacheControl: false }, (error) =>
          error ? failed(error) : done(),
        );
      });
      return undefined;
    }
    return describeService(house);
  },
});

function describeService({ version, config, keys }: House): ServiceInfo {
  return {
    service: 'Darkroom',
    version,
    status: 'running',
    description: 'Enhances photographs in batches and never loses one: durable photo restoration on Temporal.',
    features: {
      scales: [...SCALES],
      quality_levels: [...QUALITY_LEVELS],
      formats: [...PHOTO_FORMATS],
      output_formats: [...OUTPUT_FORMATS],
      max_file_bytes: config.UPLOAD_MAX_BYTES,
      max_files_per_form: config.BATCH_FORM_MAX_FILES,
      durable_batches: true,
      partial_downloads: true,
      rollback: config.ENABLE_ROLLBACK,
      open_batches: true,
      api_keys: keys.required,
      // Of this process's own server it is a loopback address: only whoever reaches it gets anything from it.
      temporal_ui: workflowsAddress(config),
    },
    endpoints: {
      health: '/health',
      enhance: '/api/v1/enhance',
      enhance_batch: '/api/v1/enhance/batch',
      status: '/api/v1/status/{task_id}',
      batch_status: '/api/v1/batch/status/{batch_task_id}',
      download: '/api/v1/download/{task_id}',
      batch_download: '/api/v1/batch/download/{batch_task_id}',
      tasks: '/api/v1/tasks',
      performance: '/api/v1/performance',
      batch_progress: '/api/batch-progress/{operation_id}',
      resume: '/api/resume-operation',
      rollback: '/api/rollback',
      operations: '/api/v1/operations',
      batches: '/api/v1/batches',
      uploads: '/api/v1/uploads',
      plan: '/api/v1/plan',
      events: '/api/v1/batches/{batch_id}/events',
      thumbnails: '/api/v1/thumbnails/{task_id}',
      session: '/api/v1/session',
      models: '/api/v1/models',
      docs: '/docs',
      openapi: '/openapi.json',
    },
  };
}

/** `{address}/{operation_id}` shows one workflow in Temporal's Web UI; null when nobody said where that is. */
function workflowsAddress({ TEMPORAL_UI_URL: url, TEMPORAL_NAMESPACE: namespace }: House['config']): string | null {
  return url === '' ? null : `${url.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
