import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Response } from 'express';
import multer from 'multer';
import sharp from 'sharp';
import yazl from 'yazl';

/**
 * Answers the API's shapes as the page meets them, without Temporal or a model: photos advance by time, results are
 * enlarged by sharp. A file named `broken…` fails; `slow…` never ends by itself. The page is served as the API serves
 * it, under the strictest content security policy it must live with.
 */
export interface StandIn {
  readonly address: string;
  /** What was submitted, for the tests to look at. */
  readonly batches: readonly StandInBatch[];
  /** Requests for `/health` and the like are answered no more; the port stays taken. */
  goAway(): void;
  comeBack(): void;
  close(): Promise<void>;
}

export interface StandInBatch {
  readonly id: string;
  readonly fields: Record<string, unknown>;
  readonly photos: StandInPhoto[];
  readonly createdAt: number;
  paused: boolean;
  cancelled: boolean;
}

interface StandInPhoto {
  readonly name: string;
  readonly bytes: Buffer;
  /** Milliseconds from the batch's start to this photo's start and its end. */
  readonly startsAt: number;
  readonly endsAt: number;
  fails: boolean;
}

interface Options {
  /** Milliseconds a photo takes. */
  readonly photoMs: number;
  readonly webRoot: string;
}

export async function startStandIn(options: Options): Promise<StandIn> {
  const batches: StandInBatch[] = [];
  let away = false;
  const app = express();
  app.use((request, response, next) => {
    response.set('Content-Security-Policy', POLICY);
    if (away && !request.path.startsWith('/assets')) request.socket.destroy();
    else next();
  });
  answerPage(app, options.webRoot);
  answerSubmit(app, batches, options.photoMs);
  answerWatching(app, batches);
  answerDownloads(app, batches);
  answerControl(app, batches);
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches,
    goAway: () => (away = true),
    comeBack: () => (away = false),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
].join('; ');

const NOTICE =
  'quality_level "medium" is served by realesr-general-x4v3, because realesrgan-x4plus-int8 is not installed.';

function answerPage(app: Express, webRoot: string): void {
  app.get('/', (request, response, next) => {
    if (request.accepts(['html', 'json']) === 'html') return next();
    response.json({
      service: 'darkroom',
      version: '0.1.0',
      status: 'running',
      description: 'Enhances photographs.',
      features: { max_file_bytes: 50 * 1024 * 1024, max_files_per_form: 20 },
      endpoints: { pause: '/api/v1/batches/{id}/pause', cancel: '/api/v1/batches/{id}/cancel' },
    });
  });
  app.use(express.static(webRoot));
  app.get('/health', (_request, response) => {
    response.json({
      status: 'healthy',
      timestamp: Date.now() / 1000,
      active_tasks: 0,
      model_status: { initialized: true, cuda_available: false, device: 'cpu', notices: [NOTICE] },
      message: 'Photos are being worked on as they come.',
    });
  });
}

function answerSubmit(app: Express, batches: StandInBatch[], photoMs: number): void {
  const form = multer({ storage: multer.memoryStorage(), limits: { files: 20 } });
  app.post('/api/v1/enhance/batch', form.array('files'), (request, response) => {
    const files = Array.isArray(request.files) ? request.files : [];
    const id = `b-20261122-120000-${String(batches.length).padStart(10, '0')}`;
    const photos = files.map((file, index) => ({
      name: file.originalname,
      bytes: file.buffer,
      startsAt: index * photoMs,
      endsAt: file.originalname.startsWith('slow') ? Number.POSITIVE_INFINITY : (index + 1) * photoMs,
      fails: file.originalname.startsWith('broken'),
    }));
    const batch = { id, fields: { ...request.body }, photos, createdAt: Date.now(), paused: false, cancelled: false };
    batches.push(batch);
    const message = 'The batch was accepted.';
    const sub_tasks = photos.map((_, index) => `${id}.${index}`);
    response.json({
      batch_task_id: id,
      total_files: photos.length,
      status: 'queued',
      message,
      created_at: now(),
      sub_tasks,
    });
  });
}

function answerWatching(app: Express, batches: StandInBatch[]): void {
  const find = (id: unknown): StandInBatch | undefined => batches.find((batch) => batch.id === id);
  app.get('/api/v1/batch/status/:id', (request, response) => {
    const batch = find(request.params.id);
    if (batch === undefined) return refuse(response, 404, 'not_found', 'There is no such batch.');
    response.json(tell(batch));
  });
  app.get('/api/v1/status/:id', (_request, response) => {
    response.json({ hint: 'Find another copy.' });
  });
  app.get('/api/v1/tasks', (_request, response) => {
    const tasks = batches.flatMap((batch) =>
      batch.photos.map((photo, index) => ({
        task_id: `${batch.id}.${index}`,
        status: stateOf(batch, photo).status,
        created_at: batch.createdAt / 1000,
        updated_at: now(),
      })),
    );
    response.json({ total_tasks: tasks.length, tasks, next_cursor: null });
  });
}

function answerDownloads(app: Express, batches: StandInBatch[]): void {
  app.get('/api/v1/download/:id', (request, response, next) => {
    const [batchId, index] = request.params.id.split('.');
    const batch = batches.find(({ id }) => id === batchId);
    const photo = batch?.photos[Number(index)];
    if (batch === undefined || photo === undefined) refuse(response, 404, 'not_found', 'There is no such photo.');
    else
      enlarge(photo, batch).then(({ name, bytes }) => response.attachment(name).type('image/jpeg').send(bytes), next);
  });
  app.get('/api/v1/batch/download/:id', (request, response, next) => {
    const batch = batches.find(({ id }) => id === request.params.id);
    if (batch === undefined) return refuse(response, 404, 'not_found', 'There is no such batch.');
    const done = batch.photos.filter((photo) => stateOf(batch, photo).status === 'completed');
    zipOf(done, batch).then((zip) => {
      response.attachment(`${batch.id}.zip`).type('application/zip');
      return zip.pipe(response);
    }, next);
  });
}

async function zipOf(photos: readonly StandInPhoto[], batch: StandInBatch): Promise<NodeJS.ReadableStream> {
  const zip = new yazl.ZipFile();
  for (const { name, bytes } of await Promise.all(photos.map((photo) => enlarge(photo, batch))))
    zip.addBuffer(bytes, name);
  zip.end();
  return zip.outputStream;
}

function answerControl(app: Express, batches: StandInBatch[]): void {
  app.post('/api/resume-operation', express.json(), (request, response) => {
    const batch = batches.find(({ id }) => id === (request.body as { operation_id?: unknown }).operation_id);
    if (batch === undefined) return refuse(response, 404, 'not_found', 'There is no such batch.');
    batch.paused = false;
    for (const photo of batch.photos) photo.fails = false;
    response.json({ operation_id: batch.id, message: 'The failed photos are tried again.' });
  });
  app.post('/api/v1/batches/:id/:command', (request, response) => {
    const batch = batches.find(({ id }) => id === request.params.id);
    if (batch === undefined) return refuse(response, 404, 'not_found', 'There is no such batch.');
    if (request.params.command === 'pause') batch.paused = true;
    if (request.params.command === 'cancel') batch.cancelled = true;
    response.json({ changed: true });
  });
}

function stateOf(batch: StandInBatch, photo: StandInPhoto): { status: string; progress: number; error: string | null } {
  const elapsed = Date.now() - batch.createdAt;
  if (elapsed < photo.startsAt) return { status: 'queued', progress: 0, error: null };
  if (elapsed < photo.endsAt) {
    const share = Number.isFinite(photo.endsAt) ? (elapsed - photo.startsAt) / (photo.endsAt - photo.startsAt) : 0.4;
    return { status: 'processing', progress: Math.floor(share * 9) / 9, error: null };
  }
  const error = 'The photo is damaged: the file breaks off in the middle.';
  if (photo.fails) return { status: 'failed', progress: 1, error };
  return { status: 'completed', progress: 1, error: null };
}

function tell(batch: StandInBatch) {
  const sub_tasks = batch.photos.map((photo, index) => ({
    task_id: `${batch.id}.${index}`,
    filename: photo.name,
    ...stateOf(batch, photo),
  }));
  const completed = sub_tasks.filter((task) => task.status === 'completed').length;
  const failed = sub_tasks.filter((task) => task.status === 'failed').length;
  const ended = completed + failed === sub_tasks.length;
  const outcome = failed === 0 ? 'completed' : completed === 0 ? 'failed' : 'partial_completed';
  const running = batch.cancelled ? 'cancelled' : batch.paused ? 'paused' : 'processing';
  const progress = sub_tasks.reduce((sum, task) => sum + task.progress, 0) / sub_tasks.length;
  const elapsed = (Date.now() - batch.createdAt) / 1000;
  const last = Math.max(...batch.photos.map((photo) => photo.endsAt));
  return {
    batch_task_id: batch.id,
    status: ended ? outcome : running,
    total_files: sub_tasks.length,
    completed_files: completed,
    failed_files: failed,
    progress,
    eta: ended ? 0 : progress > 0 ? (elapsed / progress) * (1 - progress) : null,
    sub_tasks,
    created_at: batch.createdAt / 1000,
    updated_at: ended ? (batch.createdAt + last) / 1000 : now(),
    message: '',
    next_cursor: null,
  };
}

const now = (): number => Date.now() / 1000;

async function enlarge(photo: StandInPhoto, batch: StandInBatch): Promise<{ name: string; bytes: Buffer }> {
  const scale = Number(batch.fields['scale'] ?? 4);
  const { width } = await sharp(photo.bytes).metadata();
  const larger = sharp(photo.bytes).resize({ width: width * scale, kernel: 'lanczos3' });
  const bytes = await larger.sharpen({ sigma: 2 }).jpeg({ quality: 90 }).toBuffer();
  return { name: photo.name.replace(/\.\w+$/, '_enhanced.jpg'), bytes };
}

function refuse(response: Response, status: number, code: string, detail: string): void {
  response
    .status(status)
    .type('application/problem+json')
    .json({ type: 'about:blank', title: detail, status, detail, code });
}
