import { asDarkroomError, type ErrorCode } from '../contracts/errors.ts';

/** What a check saw. Whatever is not well says in a sentence what to do about it. */
export type Seen =
  | { readonly state: 'ok'; readonly message: string }
  /** Nobody could look, for a reason that another finding tells. */
  | { readonly state: 'skipped'; readonly message: string }
  | {
      readonly state: 'warning' | 'fault';
      readonly message: string;
      readonly remedy: string;
      /** What the API answers while it is so. */
      readonly code: ErrorCode;
    };

export type Finding = Seen & { readonly check: string };

/** One line of a list of checks. */
export interface Check<Surroundings> {
  readonly name: string;
  /** Name of the check without which this one has nothing to look at. */
  readonly needs?: string;
  readonly look: (surroundings: Surroundings) => Promise<Seen>;
}

/** Looks at one thing; never rejects and never takes longer than `patienceMs`. */
export async function look<S>({ name, look }: Check<S>, surroundings: S, patienceMs: number): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Seen>((resolve) => {
    timer = setTimeout(() => {
      const message = `There was no answer within ${patienceMs / 1000} seconds.`;
      resolve({
        state: 'fault',
        message,
        remedy: 'See that it runs and that the network lets us through.',
        code: 'not_ready',
      });
    }, patienceMs);
  });
  const seen = look(surroundings).catch((error: unknown): Seen => {
    const known = asDarkroomError(error);
    const message = known.code === 'internal' && error instanceof Error ? sentence(error.message) : known.message;
    return { state: 'fault', message, remedy: known.definition.hint, code: known.code };
  });
  try {
    return { check: name, ...(await Promise.race([seen, late])) };
  } finally {
    clearTimeout(timer);
  }
}

/** Looks at everything side by side, and afterwards at what needs something that was found well. Findings are in the list's order. */
export async function lookAtAll<S>(
  checks: readonly Check<S>[],
  surroundings: S,
  lookAt: (check: Check<S>) => Promise<Finding> = (check) => look(check, surroundings, PATIENCE_MS),
): Promise<Finding[]> {
  const found = new Map<string, Finding>();
  const take = async (some: readonly Check<S>[]): Promise<void> => {
    for (const finding of await Promise.all(some.map(lookAt))) found.set(finding.check, finding);
  };
  await take(checks.filter(({ needs }) => needs === undefined));
  const inOrder = ({ needs }: Check<S>): boolean => needs !== undefined && found.get(needs)?.state !== 'fault';
  await take(checks.filter(inOrder));
  return checks.map(
    ({ name, needs }) =>
      found.get(name) ?? { check: name, state: 'skipped', message: `It was not looked at, because of: ${needs}.` },
  );
}

const PATIENCE_MS = 5_000;

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
