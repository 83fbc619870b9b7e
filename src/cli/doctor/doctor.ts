import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { createBatchService } from '../../batches/create-batch-service.ts';
import { look, lookAtAll, type Finding } from '../../checks/finding.ts';
import { LIVE_CHECKS, type Surroundings } from '../../checks/live-checks.ts';
import { watchVitals } from '../../checks/vitals.ts';
import { Journal } from '../../storage/journal.ts';
import { isStoreThere, openStore } from '../../storage/open-store.ts';
import { loadProfile } from '../../temporal/profile.ts';
import { createTemporalProbe } from '../../temporal/probe.ts';
import type { Invocation } from '../invocation.ts';
import { readRunFile } from '../supervisor/run-file.ts';
import { bucketCheck, namesBuckets } from './bucket-check.ts';
import { goldenCheck } from './golden.ts';
import { HOST_CHECKS } from './host-checks.ts';
import { printFindings } from './print-findings.ts';

export interface DoctorRequest {
  readonly golden: boolean;
  readonly json: boolean;
}

const GOLDEN_PATIENCE_MS = 300_000;
/** Asked once, by a person, perhaps on a machine that has much to do: slow is not silent. */
const ANSWER_PATIENCE_MS = 15_000;

/**
 * `darkroom doctor`: what is well and what is not, of this host and of the Darkroom that runs on it or that the configuration
 * names. Starts and changes nothing. @returns 0, or 1 when something keeps photos from being enhanced.
 */
export async function doctor({ golden, json }: DoctorRequest, invocation: Invocation): Promise<number> {
  const checks = namesBuckets(invocation.loaded) ? [...HOST_CHECKS, bucketCheck] : HOST_CHECKS;
  const findings = await lookAtAll(checks, invocation.loaded);
  const found = await findDarkroom(invocation);
  if (found === undefined) {
    findings.push(nowhere(golden));
  } else {
    findings.push(...(await lookAround(found, golden, invocation)));
  }
  printFindings(findings, json);
  return findings.some(({ state }) => state === 'fault') ? 1 : 0;
}

interface FoundDarkroom {
  readonly address: string;
  readonly namespace: string;
}

/** The one that runs on this data directory, or the one that the configuration says to work with. */
async function findDarkroom({ loaded }: Invocation): Promise<FoundDarkroom | undefined> {
  const { config, environment } = loaded;
  const running = await readRunFile(config.DATA_DIR);
  if (running !== undefined) return { address: running.temporalAddress, namespace: running.namespace };
  const profile = loadProfile(environment);
  const address = config.TEMPORAL_ADDRESS || profile.address;
  return address === undefined ? undefined : { address, namespace: profile.namespace ?? config.TEMPORAL_NAMESPACE };
}

/** Asked for a golden photo, having nobody to send it to is a fault; otherwise it is simply not started. */
function nowhere(golden: boolean): Finding {
  const message = 'None runs on this DATA_DIR, and TEMPORAL_ADDRESS names no server to look for one.';
  const remedy = 'Start one: `darkroom start`.';
  if (golden) return { check: 'darkroom', state: 'fault', message, remedy, code: 'not_ready' };
  return { check: 'darkroom', state: 'skipped', message: `${message} ${remedy}` };
}

async function lookAround(
  found: FoundDarkroom,
  golden: boolean,
  { loaded, packageDir }: Invocation,
): Promise<Finding[]> {
  const config = { ...loaded.config, TEMPORAL_NAMESPACE: found.namespace };
  if (!isStoreThere(config)) {
    const message = `There is no store in ${config.DATA_DIR}.`;
    const remedy = 'Set DATA_DIR or STORE as for the Darkroom that is meant.';
    return [{ check: 'store', state: 'fault', message, remedy, code: 'storage_unavailable' }];
  }
  // Lazy: that nothing answers there is a finding like others.
  const { credentials } = loadProfile(loaded.environment);
  const connection = Connection.lazy({ ...credentials, address: found.address });
  try {
    const store = await openStore(config, randomUUID);
    const journal = new Journal(store);
    const client = new Client({ connection, namespace: found.namespace });
    const heartbeatTimeoutMs = config.HEARTBEAT_TIMEOUT_MS;
    const service = createBatchService({ client, store, journal, heartbeatTimeoutMs, now: Date.now });
    const surroundings: Surroundings = {
      config,
      store,
      temporal: createTemporalProbe(connection, found.namespace, Date.now),
      vitals: watchVitals(service, Date.now, ANSWER_PATIENCE_MS),
      now: Date.now,
    };
    const findings = await lookAtAll(LIVE_CHECKS, surroundings);
    if (!golden) return findings;
    if (findings.some(({ check, state }) => state === 'fault' && check !== 'space')) {
      return [
        ...findings,
        { check: 'golden', state: 'skipped', message: 'No photo was sent into a chain with faults.' },
      ];
    }
    const chain = { service, store, config, packageDir };
    return [...findings, await look(goldenCheck, chain, GOLDEN_PATIENCE_MS)];
  } finally {
    await connection.close().catch(() => undefined);
  }
}
