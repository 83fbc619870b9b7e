import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Check, Seen } from '../../checks/finding.ts';
import { SETTING_NAMES, redactConfig } from '../../contracts/config.ts';
import { QUALITY_LEVELS } from '../../contracts/options.ts';
import { chooseLevels } from '../../contracts/recipe.ts';
import { availableCores, availableMemory, readDeviceMemory } from '../../inference/host-limits.ts';
import type { LoadedConfig } from '../../load-config.ts';
import { readCatalogue, readFaceCatalogue } from '../../models/catalogue.ts';
import { inspectFaceModel } from '../../models/face-models.ts';
import { inspectModels } from '../../models/installed-models.ts';
import { megabytes } from '../terminal.ts';

/** What only concerns this host, and is true whether or not a Darkroom runs. */
export const HOST_CHECKS: readonly Check<LoadedConfig>[] = [
  { name: 'configuration', look: checkConfiguration },
  { name: 'models', look: checkModels },
  { name: 'device', look: checkDevice },
  { name: 'disk', look: checkDisk },
];

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
const GPU_PROVIDERS = new Set(['cuda', 'tensorrt', 'webgpu', 'coreml', 'dml']);
/** A photo under way, its canvas and its tiles want this much where scratch is. */
const ROOM_WARNING_BYTES = 4 * 2 ** 30;

const misconfigured = (message: string, remedy: string): Seen => ({
  state: 'fault',
  message,
  remedy,
  code: 'invalid_request',
});

async function checkConfiguration({ config, isSet }: LoadedConfig): Promise<Seen> {
  const shown = redactConfig(config);
  const set = SETTING_NAMES.filter(isSet).map((name) => `${name}=${String(shown[name])}`);
  const keyless = config.API_KEYS.length === 0 && !existsSync(config.KEYS_FILE);
  if (keyless && isSet('KEYS_FILE')) {
    return misconfigured(
      `KEYS_FILE names ${config.KEYS_FILE}, which is not there: the API lets nobody in.`,
      'Bring the file back, or make a key with `darkroom keys create`.',
    );
  }
  if (keyless && !LOOPBACK.has(config.HOST)) {
    return misconfigured(
      `HOST=${config.HOST} lets others in without a key; the API refuses to start so.`,
      'Make a key with `darkroom keys create`, or set API_KEYS.',
    );
  }
  if (config.STORE === 's3' && config.S3_BUCKET === '') {
    return misconfigured('STORE is s3 and no bucket is named.', 'Name the bucket in S3_BUCKET.');
  }
  const message = `Valid on Node.js ${process.versions.node}, ${process.platform} ${process.arch}. ${set.length === 0 ? 'Nothing is set.' : `Set: ${set.join(', ')}.`}`;
  return await Promise.resolve({ state: 'ok', message });
}

async function checkModels({ config }: LoadedConfig): Promise<Seen> {
  const states = [
    ...(await inspectModels(config.CACHE_DIR, await readCatalogue())),
    ...(await Promise.all((await readFaceCatalogue()).map((entry) => inspectFaceModel(config.CACHE_DIR, entry)))),
  ];
  const named = (wanted: string): string[] =>
    states.filter(({ state }) => state === wanted).map(({ entry }) => entry.name);
  const levels = chooseLevels(new Set(named('installed')));
  if (levels === undefined) {
    const message = 'No model for photos is installed in CACHE_DIR.';
    return {
      state: 'fault',
      message,
      remedy: 'Fetch them: `darkroom models pull`, or a start.',
      code: 'model_missing',
    };
  }
  const damaged = named('damaged');
  if (damaged.length > 0) {
    const message = `Damaged: ${damaged.join(', ')}.`;
    return {
      state: 'fault',
      message,
      remedy: `Fetch again: \`darkroom models pull ${damaged.join(' ')}\`.`,
      code: 'model_corrupt',
    };
  }
  const chosen = QUALITY_LEVELS.map((level) => `${level}: ${levels.choices[level].model}`).join(', ');
  return { state: 'ok', message: `${named('installed').length} of ${states.length} are installed. ${chosen}.` };
}

async function checkDevice({ config }: LoadedConfig): Promise<Seen> {
  const gpuBytes = await readDeviceMemory(0);
  const cpu = `${availableCores()} cores, ${megabytes(availableMemory())} of memory`;
  const wanted = config.EXECUTION_PROVIDERS.filter((provider) => GPU_PROVIDERS.has(provider));
  const gpu = gpuBytes === null ? 'no NVIDIA GPU' : `an NVIDIA GPU with ${megabytes(gpuBytes)}`;
  if (gpuBytes === null && !config.EXECUTION_PROVIDERS.includes('cpu')) {
    const message = `EXECUTION_PROVIDERS has ${wanted.join(', ')} and no cpu, and there is ${gpu}.`;
    const remedy = 'Add cpu, or see that `nvidia-smi` works here (in a container: the NVIDIA runtime).';
    return { state: process.platform === 'linux' ? 'fault' : 'warning', message, remedy, code: 'not_ready' };
  }
  if (gpuBytes === null && existsSync('/dev/nvidiactl')) {
    const message = `There is an NVIDIA device, and \`nvidia-smi\` does not tell of it; ${cpu}.`;
    return {
      state: 'warning',
      message,
      remedy: 'See that the driver and its tools are installed here.',
      code: 'not_ready',
    };
  }
  return { state: 'ok', message: `${cpu}, ${gpu}.` };
}

async function checkDisk({ config }: LoadedConfig): Promise<Seen> {
  const places = ['DATA_DIR', 'SCRATCH_DIR', 'CACHE_DIR'] as const;
  const seen = await Promise.all(places.map(async (name) => ({ name, ...(await readDisk(config[name])) })));
  const locked = seen.find(({ writable }) => !writable);
  if (locked !== undefined) {
    const message = `${locked.name} (${config[locked.name]}) cannot be written.`;
    return {
      state: 'fault',
      message,
      remedy: 'Give its folder to the user that Darkroom runs as.',
      code: 'storage_unavailable',
    };
  }
  const [tightest] = seen.toSorted((left, right) => left.free - right.free);
  const message = seen.map(({ name, free }) => `${name} ${megabytes(free)} free`).join(', ');
  const free = tightest?.free ?? 0;
  if (free >= ROOM_WARNING_BYTES) return { state: 'ok', message: `${message}.` };
  const remedy = 'Make room: a large photo under way wants several GB of scratch.';
  return {
    state: free < config.DISK_RESERVE_BYTES ? 'fault' : 'warning',
    message: `${message}.`,
    remedy,
    code: 'storage_full',
  };
}

/** Of a folder, or of the nearest one above it that is there already. */
async function readDisk(folder: string): Promise<{ free: number; writable: boolean }> {
  for (let place = folder; ; place = dirname(place)) {
    const disk = await statfs(place).catch(() => undefined);
    if (disk === undefined && place !== dirname(place)) continue;
    const writable = await access(place, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { free: disk === undefined ? 0 : disk.bavail * disk.bsize, writable };
  }
}
