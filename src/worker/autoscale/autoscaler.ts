import { setTimeout as sleep } from 'node:timers/promises';
import { SCALING_EVENTS_KEPT, type ScalingEvent } from '../../contracts/autoscaling.ts';
import { decideScaling, OPEN_MIND, type LoadLook, type ScalingPolicy } from './decide-scaling.ts';

/** Worker processes that can be made more and fewer. */
export interface Workforce {
  readonly size: number;
  /** Starts another and waits until it takes photos. @throws Error with a sentence when it does not come up. */
  hire(signal: AbortSignal): Promise<unknown>;
  /** Lets the newest finish what it has under way, bounded by the grace, and ends it. */
  dismiss(): Promise<unknown>;
}

export interface AutoscalerParts {
  readonly policy: ScalingPolicy;
  readonly workforce: Workforce;
  readonly lookEveryMs: number;
  readonly look: () => Promise<Omit<LoadLook, 'at' | 'workers'>>;
  readonly now: () => number;
  readonly say: (line: string) => void;
  /** Where people and metrics look; may fail without harm. */
  readonly report: (state: AutoscalerState) => Promise<void>;
}

export interface AutoscalerState {
  readonly workers: number;
  readonly reason: string;
  readonly hired: number;
  readonly dismissed: number;
  readonly events: readonly ScalingEvent[];
}

/** Looks at the load again and again and hires or dismisses one worker at a time, until it is stopped. */
export async function runAutoscaler(parts: AutoscalerParts, stop: AbortSignal): Promise<void> {
  const { policy, workforce, now, say } = parts;
  const events: ScalingEvent[] = [];
  let mind = OPEN_MIND;
  let [hired, dismissed] = [0, 0];
  let trouble = '';
  // Once for each trouble: a store that is away for an hour would be told of hundreds of times.
  const tell = (sentence: string): void => {
    if (sentence !== '' && sentence !== trouble) say(sentence);
    trouble = sentence;
  };
  const pause = (): Promise<void> => sleep(parts.lookEveryMs, undefined, { signal: stop }).catch(() => undefined);
  while (!stop.aborted) {
    const before = workforce.size;
    const seen = await parts.look().catch((error: unknown) => {
      tell(`The autoscaler cannot see the load, and changes nothing until it can. ${String(error)}`);
    });
    if (seen === undefined) {
      mind = { ...OPEN_MIND, changedAt: mind.changedAt };
      await pause();
      continue;
    }
    const look = { ...seen, at: now(), workers: before };
    const decision = decideScaling(policy, mind, look);
    mind = decision.mind;
    if (decision.change !== 0 && !stop.aborted) {
      await carryOut(parts, decision.change, decision.reason, stop);
      // What was begun takes its time; the pause counts from its end.
      mind = { ...mind, changedAt: now() };
      const change = workforce.size - before;
      if (change > 0) hired += 1;
      if (change < 0) dismissed += 1;
      if (change !== 0) events.push({ at: now(), from: before, to: workforce.size, reason: decision.reason });
      if (events.length > SCALING_EVENTS_KEPT) events.shift();
    }
    const state = { workers: workforce.size, reason: decision.reason, hired, dismissed, events };
    tell(
      await parts.report(state).then(
        () => '',
        (error: unknown) => `The autoscaler could not report: ${String(error)}`,
      ),
    );
    await pause();
  }
}

async function carryOut(
  { workforce, say }: AutoscalerParts,
  change: 1 | -1,
  reason: string,
  stop: AbortSignal,
): Promise<void> {
  const before = workforce.size;
  say(`Workers: ${before} → ${before + change}, because ${reason}.`);
  try {
    await (change > 0 ? workforce.hire(stop) : workforce.dismiss());
  } catch (error) {
    if (!stop.aborted) say(`Another worker could not be started. ${error instanceof Error ? error.message : ''}`);
  }
}
