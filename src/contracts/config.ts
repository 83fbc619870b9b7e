import { z } from 'zod';
import { webhookSecret } from './webhooks.ts';
import { QUALITY_LEVELS, TILE_SIZE } from './options.ts';
import { parseS3Folder } from './s3-place.ts';

/**
 * Every setting there is: name with its unit, parser, default and one line of documentation. `.env.example` and
 * `docs/configuration.md` are generated from this table; all faults are reported together.
 */

interface Setting<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  /** What is used when the variable is not set, written as it would be in the environment. */
  readonly default: string;
  readonly doc: string;
  readonly group: string;
  readonly secret?: boolean;
}

const setting = <T extends z.ZodType>(
  group: string,
  schema: T,
  fallback: string,
  doc: string,
  secret = false,
): Setting<T> => ({
  schema,
  default: fallback,
  doc,
  group,
  ...(secret ? { secret } : {}),
});

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));
const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((text) => text === 'true');
const text = z.string();
const list = z.string().transform((joined) =>
  joined
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const s3Folders = list.pipe(
  z.array(
    z.string().refine((address) => parseS3Folder(address) !== undefined, {
      error: 'must be places in buckets such as s3://bucket/prefix',
    }),
  ),
);

const MiB = 1024 * 1024;

export const SETTINGS = {
  HOST: setting(
    'API',
    text.min(1),
    '127.0.0.1',
    'Address the API listens on. Anything but loopback needs keys (API_KEYS, KEYS_FILE).',
  ),
  PORT: setting('API', whole(0, 65_535), '8000', 'Port of the API and the page.'),
  API_KEYS: setting(
    'API',
    list,
    '',
    'Comma-separated keys, plain or as `sha256:` and their hash; each is a tenant of its own that may do everything. Where there are keys, every call must carry one as `Authorization: Bearer KEY`.',
    true,
  ),
  KEYS_FILE: setting(
    'API',
    text,
    '',
    'File of the keys that `darkroom keys` makes, with tenants and scopes; read again when it changes. Empty: `keys.json` inside DATA_DIR.',
  ),
  TENANT_PHOTOS_IN_FLIGHT: setting(
    'API',
    whole(0, 2 ** 31),
    '0',
    'Photos of one tenant that may be accepted and not done yet; 429 beyond, counted about a second late. 0: no limit.',
  ),
  TENANT_REQUESTS_PER_MINUTE: setting(
    'API',
    whole(0, 10_000_000),
    '0',
    'Requests of one tenant a minute, to one API process; 429 beyond. 0: no limit.',
  ),
  TENANT_BYTES_PER_HOUR: setting(
    'API',
    whole(0, 2 ** 50),
    '0',
    'Bytes that one tenant may send an hour, to one API process; 429 beyond. 0: no limit.',
  ),
  CORS_ORIGINS: setting('API', list, '', 'Comma-separated origins of pages that may call the API; `*` allows all.'),
  UPLOAD_MAX_BYTES: setting('API', whole(1, 2 ** 40), String(50 * MiB), 'Largest photo accepted.'),
  BATCH_FORM_MAX_FILES: setting(
    'API',
    whole(1, 1000),
    '20',
    'Most photos in one form; larger batches come in by other ways.',
  ),
  UPLOAD_IDLE_TIMEOUT_MS: setting(
    'API',
    whole(100, 3_600_000),
    '30000',
    'An upload that sends nothing for this long is ended.',
  ),
  UPLOAD_MAX_CONCURRENT: setting(
    'API',
    whole(1, 10_000),
    '64',
    'Uploads, forms and resumable ones, that may be coming in at once; others are asked to wait.',
  ),
  UPLOAD_EXPIRY_HOURS: setting(
    'API',
    whole(1, 1_000_000),
    '72',
    'A resumable upload is removed this long after it was begun unless a batch has taken it.',
  ),
  DOWNLOAD_IDLE_TIMEOUT_MS: setting(
    'API',
    whole(100, 3_600_000),
    '60000',
    'A download whose client takes nothing for this long is ended.',
  ),
  EVENT_STREAMS_MAX: setting('API', whole(0, 1_000_000), '4000', 'Event streams that may be open at once.'),
  EVENT_STREAMS_PER_TENANT: setting('API', whole(0, 1_000_000), '2000', 'Event streams of one tenant at once.'),
  EVENT_HEARTBEAT_MS: setting(
    'API',
    whole(100, 3_600_000),
    '15000',
    'An event stream says something at least this often; a client that takes nothing for twice as long is cut off.',
  ),
  DISK_RESERVE_BYTES: setting(
    'API',
    whole(0, 2 ** 50),
    String(256 * MiB),
    'New photos are refused when less than this would stay free.',
  ),
  SHUTDOWN_GRACE_MS: setting(
    'API',
    whole(0, 600_000),
    '10000',
    'How long requests and photos under way may take to finish when the process is told to stop.',
  ),

  QUALITY_LEVEL: setting('Work', z.enum(QUALITY_LEVELS), 'high', 'quality_level of API calls that name none.'),
  TILE_SIZE: setting(
    'Work',
    whole(TILE_SIZE.min, TILE_SIZE.max),
    String(TILE_SIZE.default),
    'tile_size of calls that name none.',
  ),
  MAX_WORKERS: setting(
    'Work',
    whole(1, 200),
    '4',
    'Photos of one batch that may be under way at once (the seed’s `max_workers`).',
  ),
  ENABLE_CHECKPOINT: setting(
    'Work',
    flag,
    'true',
    'Keep finished tiles of a photo under way, so that an interruption costs little (the seed’s `enable_checkpoint`).',
  ),
  ENABLE_ROLLBACK: setting('Work', flag, 'true', 'Allow batches to be rolled back (the seed’s `enable_rollback`).'),
  PHOTO_MAX_PIXELS: setting('Work', whole(1, 2 ** 31), '120000000', 'Largest photo, in pixels, that is decoded.'),
  RESULT_MAX_PIXELS: setting('Work', whole(1, 2 ** 33), '2000000000', 'Largest result, in pixels.'),
  RETENTION_HOURS: setting('Work', whole(1, 1_000_000), '168', 'How long uploads and results are kept.'),

  DATA_DIR: setting(
    'Places',
    text,
    '',
    'Where photos, results and Temporal’s database live. Empty: the user’s data directory.',
  ),
  CACHE_DIR: setting(
    'Places',
    text,
    '',
    'Where models and the Temporal server are kept. Empty: the user’s cache directory.',
  ),
  SCRATCH_DIR: setting('Places', text, '', 'Where photos under way are kept. Empty: `scratch` inside DATA_DIR.'),
  MODEL_MIRROR: setting('Places', text, '', 'Directory that is asked for model files before the network.'),
  SOURCE_ROOTS: setting(
    'Places',
    list,
    '',
    'Comma-separated folders below which API calls may read photos and write results. Empty: the folder Darkroom was started in when HOST is loopback, else none. `none`: none.',
  ),
  S3_SOURCES: setting(
    'Places',
    s3Folders,
    '',
    'Comma-separated places in buckets (`s3://bucket/prefix`) below which API calls may read photos, with the credentials of the worker and the API. Empty: none.',
  ),
  S3_DESTINATIONS: setting(
    'Places',
    s3Folders,
    '',
    'The same for results of API calls (`s3://bucket/prefix`). Empty: none.',
  ),

  OUTGOING_HOSTS: setting(
    'Outgoing',
    list,
    '',
    'Comma-separated hosts that photos are fetched from and webhooks sent to; `*.example.org` stands for those below it. Empty: every public host. `none`: no host.',
  ),
  OUTGOING_RANGES: setting(
    'Outgoing',
    list.pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be address ranges such as 10.1.0.0/16' }))),
    '',
    'Comma-separated address ranges that may be reached so besides the public ones, as in `10.1.0.0/16,fd00::/8`.',
  ),
  OUTGOING_TIMEOUT_MS: setting(
    'Outgoing',
    whole(100, 3_600_000),
    '120000',
    'How long fetching one photo by its URL, redirects included, or from a bucket may take.',
  ),

  WEBHOOK_SECRETS: setting(
    'Outgoing',
    list.pipe(z.array(webhookSecret)),
    '',
    'Comma-separated secrets (`whsec_…`) that sign the webhooks of batches which bring none; each signs, so that one can be replaced.',
    true,
  ),
  WEBHOOK_ATTEMPTS: setting(
    'Outgoing',
    whole(1, 20),
    '8',
    'How often a webhook is tried before it is given up; it can be sent again by hand.',
  ),
  WEBHOOK_RETRY_MS: setting(
    'Outgoing',
    whole(10, 86_400_000),
    '5000',
    'Pause after the first attempt of a webhook; each is four times the one before, six hours at most.',
  ),
  WEBHOOK_TIMEOUT_MS: setting(
    'Outgoing',
    whole(100, 60_000),
    '15000',
    'How long a receiver may take to answer a webhook.',
  ),

  STORE: setting(
    'Store',
    z.enum(['file', 's3'], { error: 'must be file or s3' }),
    'file',
    'Where photos, results and the journal are kept: in DATA_DIR, or in a bucket that several hosts share.',
  ),
  S3_BUCKET: setting('Store', text, '', 'Bucket of the store.'),
  S3_PREFIX: setting('Store', text, '', 'What all keys of the store begin with; empty: the bucket is its own.'),
  S3_ENDPOINT: setting(
    'Store',
    z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'must be an http(s) address' })]),
    '',
    'Server of the buckets. Empty: Amazon’s for S3_REGION. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the host’s role.',
  ),
  S3_REGION: setting('Store', text.min(1), 'us-east-1', 'Region of the buckets.'),
  S3_PATH_STYLE: setting(
    'Store',
    flag,
    'false',
    'Whether buckets are named in the path; most servers but Amazon’s need it.',
  ),
  S3_TIMEOUT_MS: setting(
    'Store',
    whole(100, 600_000),
    '15000',
    'A call to S3 that is silent for this long is tried again, four times in all.',
  ),
  S3_LINK_SECONDS: setting(
    'Store',
    whole(0, 604_800),
    '0',
    'When above 0, the download of a photo redirects to a presigned address of the bucket, good for so long.',
  ),
  S3_PUBLIC_ENDPOINT: setting(
    'Store',
    z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'must be an http(s) address' })]),
    '',
    'S3_ENDPOINT as clients reach it, for presigned addresses. Empty: the same.',
  ),

  TEMPORAL_ADDRESS: setting(
    'Temporal',
    text,
    '',
    'A Temporal server to use. Empty: Temporal’s own configuration profile, else a server of our own.',
  ),
  TEMPORAL_NAMESPACE: setting('Temporal', text.min(1), 'default', 'Namespace the workflows live in.'),
  TEMPORAL_PORT: setting('Temporal', whole(0, 65_535), '7233', 'Port of our own Temporal server.'),
  TEMPORAL_UI_PORT: setting('Temporal', whole(0, 65_535), '8233', 'Port of the Temporal Web UI of our own server.'),
  TEMPORAL_UI_URL: setting(
    'Temporal',
    text,
    '',
    'Where people find Temporal’s Web UI; the page links to it. Empty: that of our own server, else no link.',
  ),
  HEARTBEAT_TIMEOUT_MS: setting(
    'Temporal',
    whole(1000, 600_000),
    '10000',
    'A photo whose worker is silent for this long is given to another.',
  ),

  EXECUTION_PROVIDERS: setting(
    'Engine',
    list.pipe(z.array(z.enum(['cuda', 'tensorrt', 'webgpu', 'coreml', 'dml', 'cpu'])).min(1)),
    'cuda,coreml,dml,cpu',
    'Execution providers of onnxruntime in order of preference; the first usable one is taken and named.',
  ),
  ENGINE_THREADS: setting(
    'Engine',
    whole(0, 1024),
    '0',
    'Threads of the network on a CPU. 0: as many as the machine or its cgroup allows.',
  ),
  ENGINE_PHOTOS: setting(
    'Engine',
    whole(0, 256),
    '0',
    'Photos an engine works on at a time. 0: two on a CPU; on other devices one a core (ENGINE_THREADS), as far as memory allows. A batch’s max_workers bounds it too.',
  ),
  ENGINE_RECYCLE_PHOTOS: setting(
    'Engine',
    whole(1, 1_000_000),
    '500',
    'Photos after which an engine process is replaced by a fresh one.',
  ),
  ENGINE_MEMORY_BYTES: setting(
    'Engine',
    whole(0, 2 ** 50),
    '0',
    'Memory an engine process may use; above it the photo is tried again with smaller tiles. 0: four fifths of what the machine or its cgroup allows.',
  ),
  ENGINE_STALL_TIMEOUT_MS: setting(
    'Engine',
    whole(1000, 3_600_000),
    '120000',
    'An engine that finishes no step of its work for this long is taken as hung and replaced.',
  ),

  AUTOSCALE: setting(
    'Scaling',
    flag,
    'false',
    'Start and end worker processes of this machine as the load rises and falls (`darkroom start`). Worth it with several devices, or one that a single engine does not fill.',
  ),
  AUTOSCALE_MIN_WORKERS: setting(
    'Scaling',
    whole(1, 256),
    '1',
    'Workers there are at least (the seed’s `min_workers`); without AUTOSCALE, as many as there are.',
  ),
  AUTOSCALE_MAX_WORKERS: setting(
    'Scaling',
    whole(1, 256),
    '8',
    'Workers there are at most (the seed’s `max_workers`). On a CPU never more than cores, which they share.',
  ),
  AUTOSCALE_QUEUE_PER_WORKER: setting(
    'Scaling',
    whole(0, 100_000),
    '2',
    'More waiting photos than this for each worker call for another.',
  ),
  AUTOSCALE_BUSY_HIGH_PERCENT: setting(
    'Scaling',
    whole(1, 100),
    '80',
    'Devices busier than this, with photos waiting, call for another worker.',
  ),
  AUTOSCALE_BUSY_LOW_PERCENT: setting(
    'Scaling',
    whole(0, 99),
    '30',
    'Devices less busy than this, with nothing waiting, let one go.',
  ),
  AUTOSCALE_SLOW_MS: setting(
    'Scaling',
    whole(1, 86_400_000),
    '10000',
    'Photos that take longer than this on average, with others waiting, call for another worker.',
  ),
  AUTOSCALE_COOLDOWN_MS: setting(
    'Scaling',
    whole(0, 86_400_000),
    '60000',
    'After a change the number of workers stays for so long.',
  ),
  AUTOSCALE_INTERVAL_MS: setting(
    'Scaling',
    whole(100, 3_600_000),
    '5000',
    'How often the load is looked at; three looks in a row must agree.',
  ),

  WORKER_METRICS_ADDRESS: setting(
    'Log',
    z.union([z.literal(''), z.string().regex(/^.+:\d{1,5}$/, 'must be ADDRESS:PORT')]),
    '',
    'Where a worker shows the metrics of the Temporal SDK to Prometheus, as in `127.0.0.1:9464`. Empty: nowhere. The API’s `/metrics` has what concerns photos.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    'Log',
    z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'must be an http or https address' })]),
    '',
    'Collector that traces are sent to by OTLP over HTTP, as in `http://127.0.0.1:4318`. Empty: none are made. The other `OTEL_` variables of the SDK count as well (headers, sampler, resource attributes).',
  ),
  LOG_LEVEL: setting(
    'Log',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'How much is logged.',
  ),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [Name in SettingName]: z.infer<(typeof SETTINGS)[Name]['schema']> };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown with all faults of the configuration in one message, one line each. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);
export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSettingName);

/**
 * Reads the configuration out of an environment; an empty variable counts as not set.
 * @throws ConfigurationError naming every setting that is wrong, not only the first.
 */
export function parseConfig(environment: Environment): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const { schema, default: fallback, secret }: Setting = SETTINGS[name];
    const raw = environment[name];
    const written = raw === undefined || raw.trim() === '' ? fallback : raw.trim();
    const parsed = schema.safeParse(written);
    if (parsed.success) values[name] = parsed.data;
    else
      faults.push(
        `${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')} but is ${secret ? '[secret]' : JSON.stringify(written)}`,
      );
  }
  if (faults.length > 0) throw new ConfigurationError(`The configuration is not valid:\n  ${faults.join('\n  ')}`);
  return values as Config; // every name was parsed by its own schema above
}

/** The configuration with secrets replaced, for logs and `darkroom doctor`. */
export function redactConfig(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const definition: Setting = SETTINGS[name];
      const value = config[name];
      const empty = value === '' || (Array.isArray(value) && value.length === 0);
      return [name, definition.secret && !empty ? '[secret]' : value];
    }),
  );
}
