import { look, lookAtAll, type Check, type Finding } from './finding.ts';
import { LIVE_CHECKS, type Surroundings } from './live-checks.ts';

/** Probes of load balancers come often and from many: what was well is believed for so long, what was not is looked at again. */
const BELIEVED_MS = 10_000;
const DOUBTED_MS = 1_000;
/** A probe that waits longer is counted as failed by whoever sent it. */
const PATIENCE_MS = 1_500;
/** These ask what is kept up to date anyway, or cost nothing: they are looked at every time. */
const ALWAYS = new Set(['temporal', 'workers', 'space']);

/** Findings of all live checks, each asked for once for all callers. */
export function watchReadiness(surroundings: Surroundings): () => Promise<Finding[]> {
  const looks = new Map<string, { at: number; finding: Promise<Finding>; state?: Finding['state'] }>();
  const lookAt = (check: Check<Surroundings>): Promise<Finding> => {
    const last = looks.get(check.name);
    const believedMs = last?.state === undefined || last.state === 'ok' ? BELIEVED_MS : DOUBTED_MS;
    const age = Math.abs(surroundings.now() - (last?.at ?? Number.NEGATIVE_INFINITY));
    if (last !== undefined && age < believedMs && !ALWAYS.has(check.name)) return last.finding;
    const fresh: NonNullable<ReturnType<typeof looks.get>> = {
      at: surroundings.now(),
      finding: look(check, surroundings, PATIENCE_MS),
    };
    looks.set(check.name, fresh);
    void fresh.finding.then(({ state }) => (fresh.state = state));
    return fresh.finding;
  };
  return () => lookAtAll(LIVE_CHECKS, surroundings, lookAt);
}

/** What keeps this process from being given requests. */
export const obstacleOf = (findings: readonly Finding[]) =>
  findings.find((finding): finding is Extract<Finding, { remedy: string }> => finding.state === 'fault');
