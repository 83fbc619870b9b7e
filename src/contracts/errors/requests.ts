import { define, type ErrorDefinition } from './definition.ts';

/** What is wrong with a request: its form, its rights, or its moment. */
export const REQUEST_ERRORS = {
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
} as const satisfies Record<string, ErrorDefinition>;
