import type { PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { sideBySide } from '../../storage/side-by-side.ts';
import type { House } from '../house.ts';
import { photoName } from '../uploads/photo-name.ts';
import type { Targets } from './targets.ts';

export interface UrlSource {
  /** Where the original of a photo is to lie in the store. */
  readonly keyOf: (index: number) => string;
  readonly targets: Targets | undefined;
  readonly urls: readonly string[];
  readonly signal: AbortSignal;
}

/** Names looked up side by side, and how many at all: those beyond are looked at when their photos are fetched. */
const AT_ONCE = 16;
const HOSTS_LOOKED_UP = 200;
/** What a photo weighs whose size nobody knows yet: that of a camera. All photos of such a batch have it. */
const KILOPIXELS = 12_000;

/**
 * The records of photos that workers will fetch. A URL that this server does not use is a photo that is refused: the others
 * go on. Nothing is connected to here; names are looked up, each host once.
 */
export async function inspectUrls(house: House, source: UrlSource): Promise<PhotoRecord[]> {
  const judge = await judgeHosts(house, source);
  const { keyOf, targets } = source;
  return source.urls.map((given, index) => {
    const { url, fault } = judge(given);
    const name = nameOf(url);
    const record = { index, name, bytes: 0 };
    const key = keyOf(index);
    if (!url || fault) {
      const { code, message } = fault ?? new DarkroomError('url_not_allowed');
      return { ...record, original: { kind: 'upload', key }, kilopixels: 0, refused: { code, message } };
    }
    const original = { kind: 'upload', key, from: url.href } as const;
    const target = targets && { target: targets.takeUnknown(name) };
    return { ...record, original, kilopixels: KILOPIXELS, ...target };
  });
}

interface Judged {
  readonly url?: URL;
  readonly fault?: DarkroomError;
}

async function judgeHosts({ outgoing }: House, { urls, signal }: UrlSource): Promise<(given: string) => Judged> {
  const look = (given: string): Judged => {
    try {
      return { url: outgoing.checkUrl(given) };
    } catch (error) {
      return { fault: asFault(error) };
    }
  };
  const byHost = new Map<string, URL>();
  for (const given of urls) {
    const { url } = look(given);
    if (url && byHost.size < HOSTS_LOOKED_UP) byHost.set(url.hostname, url);
  }
  const faults = new Map<string, DarkroomError>();
  await sideBySide([...byHost], AT_ONCE, async ([host, url]) => {
    try {
      await outgoing.inspect(url.href, signal);
    } catch (error) {
      faults.set(host, asFault(error));
    }
  });
  return (given) => {
    const judged = look(given);
    const fault = judged.url && faults.get(judged.url.hostname);
    return fault ? { ...judged, fault } : judged;
  };
}

function asFault(error: unknown): DarkroomError {
  if (error instanceof DarkroomError && error.code === 'url_not_allowed') return error;
  throw error;
}

/** The last part of the path, as text; what is behind `?` may be secret. */
function nameOf(url: URL | undefined): string {
  const path = url?.pathname ?? '';
  try {
    return photoName(decodeURIComponent(path));
  } catch {
    return photoName(path);
  }
}
