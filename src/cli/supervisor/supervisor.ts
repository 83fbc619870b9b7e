import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DownloadProgress } from '../../download/pinned-file.ts';
import { provideTemporal } from '../../temporal/provide-temporal.ts';
import type { LoadedConfig } from '../../load-config.ts';
import { lockDataDir, type DataLock } from './data-lock.ts';
import { endOrphans } from './orphans.ts';
import { apiPlan } from './plans.ts';
import { isFree, portTaken } from './ports.ts';
import { identifyProcess } from './process-identity.ts';
import { removeRunFile, writeRunFile } from './run-file.ts';
import { SupervisedProcess, type ProcessPlan, type Ready } from './supervised-process.ts';
import { Overseer, sharedThreads } from './overseer.ts';
import { foreignServer, prepareServer, startOwnServer, type RunningTemporal } from './temporal-server.ts';
import { HouseWorkforce } from './workforce.ts';

export interface Household {
  readonly loaded: LoadedConfig;
  /** The scripts of the processes. Without `api` there is no API: that is how `enhance` works on its own. */
  readonly scripts: { readonly worker: string; readonly api?: string };
  /** Fetches what a worker needs; answers notices for the person who started. */
  readonly provideModels: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly say: (line: string) => void;
  readonly onDownload: (what: string, progress: DownloadProgress) => void;
  /** What is waited for now; of interest only while it lasts. */
  readonly onPhase: (text: string) => void;
}

export interface OpenedHouse {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly uiUrl: string | undefined;
  readonly apiUrl: string | undefined;
  /** Execution provider of the worker, as far as it said. */
  readonly device: string | undefined;
  readonly notices: readonly string[];
}

/**
 * Everything that runs on one data directory: opened in the order of need (Temporal, worker, API), closed in the reverse
 * order, so that no request finds its workflow gone and no photo its server.
 */
export class Supervisor {
  readonly #household: Household;
  #lock: DataLock | undefined;
  #temporal: SupervisedProcess | undefined;
  #workers: HouseWorkforce | undefined;
  #overseer: Overseer | undefined;
  #api: SupervisedProcess | undefined;

  constructor(household: Household) {
    this.#household = household;
  }

  /**
   * @throws DarkroomError `already_running`, `port_taken` or one of the downloads' codes; Error with a sentence when a process
   *   does not come up. What was started by then is ended again.
   */
  async open(signal: AbortSignal): Promise<OpenedHouse> {
    try {
      return await this.#open(signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** API first, then the worker drains, Temporal last. */
  async close(): Promise<void> {
    if (this.#lock === undefined) return;
    await removeRunFile(this.#household.loaded.config.DATA_DIR);
    await this.#api?.stop();
    await this.#overseer?.stop();
    await this.#workers?.stop();
    await this.#temporal?.stop();
    await this.#lock.release();
    this.#lock = undefined;
  }

  /** Ends everything at once; work under way is taken up again at the next start. */
  kill(): void {
    for (const running of [this.#api, this.#workers, this.#temporal]) running?.kill();
  }

  async #open(signal: AbortSignal): Promise<OpenedHouse> {
    const { loaded, scripts, say, onPhase, provideModels } = this.#household;
    await this.#moveIn(signal);
    const temporal = await this.#provideServer(signal);
    const notices = await provideModels(signal);
    await prepareServer(temporal, say);
    const environment = {
      ...loaded.environment,
      TEMPORAL_ADDRESS: temporal.target.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      TEMPORAL_UI_URL: loaded.config.TEMPORAL_UI_URL || temporal.uiUrl,
    };
    onPhase('Loading the models …');
    const workers = new HouseWorkforce({
      config: loaded.config,
      environment: { ...environment, ...sharedThreads(loaded.config) },
      script: scripts.worker,
      say,
    });
    this.#workers = workers;
    const apiEnvironment: Record<string, string | undefined> = { ...environment };
    if (scripts.api !== undefined) this.#api = this.#supervise(apiPlan(loaded.config, apiEnvironment, scripts.api));
    const [worker, api] = await startAll(
      [async (given) => await workers.hire(given), ...(this.#api ? [startOf(this.#api)] : [])],
      signal,
    );
    this.#overseer = await Overseer.begin({ config: loaded.config, temporal, workers, device: worker?.device, say });
    // With PORT=0 the system chose one: started again, the API must be found where it was.
    if (api?.url !== undefined) apiEnvironment['PORT'] = new URL(api.url).port;
    const house = {
      temporalAddress: temporal.target.address,
      namespace: temporal.namespace,
      uiUrl: temporal.uiUrl,
      apiUrl: api && (api.url ?? `http://${loaded.config.HOST}:${loaded.config.PORT}`),
      device: worker?.device,
      notices: [...notices, ...(worker?.notices ?? []), ...(api?.notices ?? [])],
    };
    await this.#announce(house);
    return house;
  }

  async #moveIn(signal: AbortSignal): Promise<void> {
    const { loaded, scripts, say } = this.#household;
    const { DATA_DIR, HOST, PORT } = loaded.config;
    for (const folder of ['run', 'logs', 'temporal']) await mkdir(join(DATA_DIR, folder), { recursive: true });
    this.#lock = await lockDataDir(DATA_DIR);
    if (this.#lock.takenOverFrom !== undefined) {
      say('The last run was not ended in order; its work goes on now.');
    }
    for (const title of await endOrphans(loaded.config, signal)) {
      say(`${title} of the last run was still there and was ended.`);
    }
    // Looked at before anything is fetched: nobody should wait for downloads to learn this.
    if (scripts.api !== undefined && PORT !== 0 && !(await isFree(HOST, PORT))) throw await portTaken('PORT', PORT);
  }

  async #provideServer(signal: AbortSignal): Promise<RunningTemporal> {
    const { loaded, say, onDownload, onPhase } = this.#household;
    const provided = await provideTemporal(loaded.config, {
      environment: loaded.environment,
      platform: process.platform,
      architecture: process.arch,
      signal,
      onProgress: (progress) => onDownload('the Temporal server', progress),
    });
    if (provided.kind === 'address') {
      say(`Using the Temporal server at ${provided.address}.`);
      return foreignServer(loaded.environment, provided.address, provided.namespace);
    }
    onPhase('Starting Temporal …');
    return await startOwnServer(loaded, loaded.environment, provided.program, async (plan) => {
      this.#temporal = this.#supervise(plan);
      await this.#temporal.start(signal);
    });
  }

  #supervise(plan: ProcessPlan): SupervisedProcess {
    return new SupervisedProcess(plan, this.#household.say);
  }

  async #announce(house: OpenedHouse): Promise<void> {
    const { temporalAddress, namespace, apiUrl, uiUrl } = house;
    await writeRunFile(this.#household.loaded.config.DATA_DIR, {
      pid: process.pid,
      identity: (await identifyProcess(process.pid)) ?? '',
      temporalAddress,
      namespace,
      ...(apiUrl === undefined ? {} : { apiUrl }),
      ...(uiUrl === undefined ? {} : { uiUrl }),
      startedAt: new Date().toISOString(),
    });
  }
}

type Start = (signal: AbortSignal) => Promise<Ready>;

const startOf =
  (one: SupervisedProcess): Start =>
  async (signal) =>
    await one.start(signal);

/** Starts them side by side; when one fails the others are not waited for any longer. */
async function startAll(starts: readonly Start[], signal: AbortSignal): Promise<Ready[]> {
  const together = new AbortController();
  const either = AbortSignal.any([signal, together.signal]);
  const started = await Promise.allSettled(
    starts.map(async (start) => {
      try {
        return await start(either);
      } catch (error) {
        together.abort(error);
        throw error;
      }
    }),
  );
  if (either.aborted) throw either.reason;
  return started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
