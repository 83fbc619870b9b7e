/** Numbers as people read them, in their language. */

export type Language = 'en' | 'zh';

const LOCALES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

export function formatBytes(bytes: number, language: Language): string {
  const mega = bytes >= 1_000_000;
  return new Intl.NumberFormat(LOCALES[language], {
    style: 'unit',
    unit: mega ? 'megabyte' : 'kilobyte',
    maximumFractionDigits: mega && bytes < 10_000_000 ? 1 : 0,
  }).format(mega ? bytes / 1_000_000 : Math.max(1, bytes / 1000));
}

export const formatPercent = (share: number, language: Language): string =>
  new Intl.NumberFormat(LOCALES[language], { style: 'percent', maximumFractionDigits: 0 }).format(
    Math.floor(share * 100) / 100,
  );

/** "2m 5s", in at most two units; never less than a second. */
export function formatDuration(seconds: number, language: Language): string {
  const whole = Math.max(1, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) =>
      new Intl.NumberFormat(LOCALES[language], { style: 'unit', unit, unitDisplay: 'narrow' }).format(amount),
    )
    .join(' ');
}

export const formatMoment = (epochMs: number, language: Language): string =>
  new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium', timeStyle: 'short' }).format(epochMs);

export const formatSize = (width: number, height: number): string => `${width} × ${height}`;

export const megapixels = (width: number, height: number): number => (width * height) / 1_000_000;
