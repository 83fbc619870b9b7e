import type { SecondsLeft } from './finish-range.ts';

/** Numbers as people read them, in their language. */

export type Language = 'en' | 'zh';

const LOCALES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

const unit = (amount: number, name: string, language: Language, digits = 0): string =>
  new Intl.NumberFormat(LOCALES[language], {
    style: 'unit',
    unit: name,
    unitDisplay: language === 'zh' ? 'short' : 'narrow',
    maximumFractionDigits: digits,
  }).format(amount);

export function formatBytes(bytes: number, language: Language): string {
  const [amount, name] =
    bytes >= 1e9
      ? [bytes / 1e9, 'gigabyte']
      : bytes >= 1e6
        ? [bytes / 1e6, 'megabyte']
        : [Math.max(1, bytes / 1000), 'kilobyte'];
  return new Intl.NumberFormat(LOCALES[language], {
    style: 'unit',
    unit: name,
    maximumFractionDigits: bytes >= 1e6 && amount < 10 ? 1 : 0,
  }).format(amount);
}

export const formatNumber = (value: number, language: Language, digits = 0): string =>
  new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: digits }).format(value);

export const formatPercent = (share: number, language: Language): string =>
  new Intl.NumberFormat(LOCALES[language], { style: 'percent', maximumFractionDigits: 0 }).format(
    Math.floor(share * 100) / 100,
  );

/** "2m 5s", in at most two units; never less than a second. */
export function formatDuration(seconds: number, language: Language): string {
  const whole = Math.max(1, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'day'],
    [Math.floor((whole % 86_400) / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, name]) => unit(amount, name, language))
    .join(' ');
}

/** Seconds with a tenth while they are few: "1.4s", "12s", "2m 5s". */
export const formatSeconds = (seconds: number, language: Language): string =>
  seconds < 10 ? unit(Math.max(0.1, seconds), 'second', language, 1) : formatDuration(seconds, language);

/** As coarse as an estimate is: seconds under a minute and a half, else minutes, else hours. */
function coarse(seconds: number, language: Language): string {
  if (seconds < 90) return unit(Math.max(1, Math.round(seconds)), 'second', language);
  if (seconds < 5400) return unit(Math.round(seconds / 60), 'minute', language);
  return unit(seconds / 3600, 'hour', language, 1);
}

export const formatEstimate = coarse;

/** "2m–3m"; one figure where both are the same to read. */
export function formatRange({ least, most }: SecondsLeft, language: Language): string {
  const [from, to] = [coarse(least, language), coarse(most, language)];
  return from === to ? from : `${from}–${to}`;
}

export const formatMoment = (epochMs: number, language: Language): string =>
  new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium', timeStyle: 'short' }).format(epochMs);

export const formatClock = (epochMs: number, language: Language): string =>
  new Intl.DateTimeFormat(LOCALES[language], { timeStyle: 'medium' }).format(epochMs);

export const formatTimeOfDay = (epochMs: number, language: Language): string =>
  new Intl.DateTimeFormat(LOCALES[language], { timeStyle: 'short' }).format(epochMs);

/** Never broken between two lines. */
export const formatSize = (width: number, height: number): string => `${width}\u00A0×\u00A0${height}`;

export const megapixels = (width: number, height: number): number => (width * height) / 1_000_000;
