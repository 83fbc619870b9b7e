import { define, type ErrorDefinition } from './definition.ts';

/** What is wrong with a photo, with where it comes from, or with where its result should go. */
export const PHOTO_ERRORS = {
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
} as const satisfies Record<string, ErrorDefinition>;
