import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { isLoopback } from '../loopback.ts';

/** Which folders of this host callers may name, and whether a path they name is really below one of them. */

/** `SOURCE_ROOTS`; without it the folder Darkroom was started in, if only this machine can ask. */
export function chooseRoots({ SOURCE_ROOTS, HOST }: Config, startedIn: string): string[] {
  if (SOURCE_ROOTS.length === 1 && SOURCE_ROOTS[0] === 'none') return [];
  if (SOURCE_ROOTS.length > 0) return SOURCE_ROOTS.map((root) => resolve(startedIn, root));
  return isLoopback(HOST) ? [resolve(startedIn)] : [];
}

/** The roots as the file system knows them, and our own folders, which nobody may name. */
export interface Territory {
  readonly roots: readonly string[];
  readonly realRoots: readonly string[];
  readonly ours: readonly string[];
}

export async function openTerritory(roots: readonly string[], config: Config): Promise<Territory> {
  const ours = [config.DATA_DIR, config.CACHE_DIR, config.SCRATCH_DIR].filter((place) => place !== '');
  return { roots, realRoots: await Promise.all(roots.map(realOf)), ours: await Promise.all(ours.map(realOf)) };
}

const realOf = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

/** Whether `path` is `folder` or below it; both absolute and without links. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Whether a real path is below a root, not hidden from there on, and none of our own. */
export function isAllowed({ realRoots, ours }: Territory, real: string): boolean {
  if (ours.some((place) => isWithin(place, real))) return false;
  return realRoots.some((root) => isWithin(root, real) && !isHidden(relative(root, real)));
}

const isHidden = (way: string): boolean => way.split(sep).some((name) => name.startsWith('.'));

/**
 * The real path of an existing folder or file that a caller named.
 * @throws DarkroomError `invalid_request` that names the field: outside the roots, by a link as well, or not there.
 */
export async function locate(territory: Territory, given: string, pointer: string): Promise<string> {
  const path = claim(territory, given, pointer);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw refuse(pointer, 'does not exist or cannot be read');
  if (!isAllowed(territory, real)) throw refuse(pointer, OUTSIDE);
  return real;
}

/** The same for a folder that need not exist yet: what of it exists must be allowed. */
export async function locateNew(territory: Territory, given: string, pointer: string): Promise<string> {
  const path = claim(territory, given, pointer);
  for (let existing = path; ; existing = dirname(existing)) {
    const real = await realpath(existing).catch(() => undefined);
    if (real === undefined && (await isMissing(existing)) && dirname(existing) !== existing) continue;
    const target = real === undefined ? undefined : join(real, relative(existing, path));
    // Without a real path it is a link that leads nowhere yet, and may lead anywhere later.
    if (target === undefined || !isAllowed(territory, target)) throw refuse(pointer, OUTSIDE);
    return target;
  }
}

const isMissing = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    () => true,
  );

const OUTSIDE = 'is not below a folder that this server may use (SOURCE_ROOTS), or is hidden';

/** Looked at as text first, so that answers do not tell what exists elsewhere. */
function claim({ roots, realRoots }: Territory, given: string, pointer: string): string {
  const [first] = roots;
  if (first === undefined) {
    throw refuse(pointer, 'cannot be used: this server uses no folders; set SOURCE_ROOTS to those it may use');
  }
  const path = resolve(first, given);
  if (![...roots, ...realRoots].some((root) => isWithin(root, path))) throw refuse(pointer, OUTSIDE);
  return path;
}

export function refuse(pointer: string, sentence: string): DarkroomError {
  const detail = `${pointer.slice(1).replaceAll('/', '.')} ${sentence}.`;
  return new DarkroomError('invalid_request', detail, { fields: [{ pointer, detail }] });
}
