import { z } from 'zod';
import { DarkroomError, type FieldFault } from '../contracts/errors.ts';

export type InputPart = 'query' | 'form' | 'body';

/** Faults listed in one answer: a body can have as many as it has bytes. */
const FAULTS_LISTED = 100;
/** Texts of clients are quoted no longer than this in an answer. */
const QUOTE_LENGTH = 60;

/**
 * Parses a part of a request.
 * @throws DarkroomError `invalid_request` that names every faulty field and what it holds, in one sentence each; of very many
 *   the first ones.
 */
export function checkInput<T>(schema: z.ZodType<T>, given: unknown, part: InputPart): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const fields: FieldFault[] = [];
  for (const fault of faultsOf(parsed.error.issues, given, part)) {
    if (fields.length === FAULTS_LISTED) throw invalid(fields, ['There are more faults than these.']);
    fields.push(fault);
  }
  throw invalid(fields);
}

function invalid(fields: readonly FieldFault[], more: readonly string[] = []): DarkroomError {
  const detail = [...fields.map((fault) => fault.detail), ...more].join(' ');
  return new DarkroomError('invalid_request', detail, { fields });
}

function* faultsOf(issues: readonly z.core.$ZodIssue[], given: unknown, part: InputPart): Generator<FieldFault> {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') yield* unknownFields(issue, part);
    else yield faultOf(issue, given, part);
  }
}

function* unknownFields({ path, keys }: z.core.$ZodIssueUnrecognizedKeys, part: InputPart): Generator<FieldFault> {
  for (const key of keys) {
    const detail = `${quote(key)} is not a field of this ${part === 'body' ? 'request' : part}.`;
    yield { pointer: pointerTo([...path, key], part), detail };
  }
}

function faultOf(issue: z.core.$ZodIssue, given: unknown, part: InputPart): FieldFault {
  const value = valueAt(given, issue.path);
  const name = issue.path.length > 0 ? issue.path.join('.') : `the ${part}`;
  const held = value === undefined ? 'is missing' : `is ${quote(value)}`;
  return { pointer: pointerTo(issue.path, part), detail: `${name} ${held} but ${sentenceOf(issue)}.` };
}

/** Of the branches of a union the one that tells most is quoted: not "expected number" when a text was not a number. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const branches = issue.errors.flat();
    const best = branches.find((inner) => inner.code !== 'invalid_type') ?? branches[0];
    if (best) return sentenceOf(best);
  }
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value' && !issue.message.startsWith('must')) {
    return `must be one of ${issue.values.map(String).join(', ')}`;
  }
  return issue.message.startsWith('must ') ? issue.message : `must fit: ${issue.message}`;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

const pointerTo = (path: readonly PropertyKey[], part: InputPart): string =>
  part === 'body'
    ? path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    : path.map(String).join('.');

/**
 * A value as JSON, shortened; control characters leave as escapes. Of what contains others only that it does: it may be nested
 * deeper than anything could write.
 */
export function quote(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[…]' : '{…}';
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, QUOTE_LENGTH) : value) ?? 'nothing';
  if (typeof value === 'string' && value.length > QUOTE_LENGTH) return `${text.slice(0, QUOTE_LENGTH)}…`;
  return text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text;
}
