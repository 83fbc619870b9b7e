import { list, MiB, settingOf, text, whole } from './setting.ts';

const setting = settingOf('API');

/** How the API listens, whom it lets in and what it accepts. */
export const API_SETTINGS = {
  HOST: setting(
    text.min(1),
    '127.0.0.1',
    'Address the API listens on. Anything but loopback needs keys (API_KEYS, KEYS_FILE).',
  ),
  PORT: setting(whole(0, 65_535), '8000', 'Port of the API and the page.'),
  API_KEYS: setting(
    list,
    '',
    'Comma-separated keys, plain or as `sha256:` and their hash; each is a tenant of its own that may do everything. Where there are keys, every call must carry one as `Authorization: Bearer KEY`.',
    true,
  ),
  KEYS_FILE: setting(
    text,
    '',
    'File of the keys that `darkroom keys` makes, with tenants and scopes; read again when it changes. One that is named wants a key of everybody, even while it is not there. Empty: `keys.json` inside DATA_DIR.',
  ),
  TENANT_PHOTOS_IN_FLIGHT: setting(
    whole(0, 2 ** 31),
    '0',
    'Photos of one tenant that may be accepted and not done yet; 429 beyond, counted about a second late. 0: no limit.',
  ),
  TENANT_REQUESTS_PER_MINUTE: setting(
    whole(0, 10_000_000),
    '0',
    'Requests of one tenant a minute, to one API process; 429 beyond. 0: no limit.',
  ),
  TENANT_BYTES_PER_HOUR: setting(
    whole(0, 2 ** 50),
    '0',
    'Bytes that one tenant may send an hour, to one API process; 429 beyond. 0: no limit.',
  ),
  CORS_ORIGINS: setting(list, '', 'Comma-separated origins of pages that may call the API; `*` allows all.'),
  UPLOAD_MAX_BYTES: setting(whole(1, 2 ** 40), String(50 * MiB), 'Largest photo accepted.'),
  BATCH_FORM_MAX_FILES: setting(whole(1, 1000), '20', 'Most photos in one form; larger batches come in by other ways.'),
  UPLOAD_IDLE_TIMEOUT_MS: setting(
    whole(100, 3_600_000),
    '30000',
    'An upload that sends nothing for this long, or less than 2 kB a second on the whole, is ended.',
  ),
  UPLOAD_MAX_CONCURRENT: setting(
    whole(1, 10_000),
    '64',
    'Uploads, forms and resumable ones, that may be coming in at once, half of them of one tenant; others have to wait.',
  ),
  UPLOAD_EXPIRY_HOURS: setting(
    whole(1, 1_000_000),
    '72',
    'A resumable upload is removed this long after it was begun unless a batch has taken it.',
  ),
  DOWNLOAD_IDLE_TIMEOUT_MS: setting(
    whole(100, 3_600_000),
    '60000',
    'A download, or any other answer, whose client takes nothing for this long is ended.',
  ),
  EVENT_STREAMS_MAX: setting(whole(0, 1_000_000), '4000', 'Event streams that may be open at once.'),
  EVENT_STREAMS_PER_TENANT: setting(whole(0, 1_000_000), '2000', 'Event streams of one tenant at once.'),
  EVENT_HEARTBEAT_MS: setting(
    whole(100, 3_600_000),
    '15000',
    'An event stream says something at least this often; a client that takes nothing for twice as long is cut off.',
  ),
  DISK_RESERVE_BYTES: setting(
    whole(0, 2 ** 50),
    String(256 * MiB),
    'New photos are refused when less than this would stay free.',
  ),
  SHUTDOWN_GRACE_MS: setting(
    whole(0, 600_000),
    '10000',
    'How long requests and photos under way may take to finish when the process is told to stop.',
  ),
};
