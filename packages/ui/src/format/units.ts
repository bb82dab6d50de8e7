/** Figures for people. Binary prefixes for bytes (KiB), one style of rounding everywhere. */
const PREFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const;
const THIN = '\u202F';
export const NO_VALUE = '\u2013';

/** Three significant digits at most, never in exponent form. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return NO_VALUE;
  if (size >= 100_000) return `${trim(value / 1_000_000, 2)}${THIN}M`;
  if (size >= 10_000) return `${trim(value / 1000, 1)}${THIN}k`;
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value));
  if (size >= 10) return trim(value, 1);
  return trim(value, 2);
}

function trim(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.?0+$/, '') || '0';
}

export function formatBytes(bytes: number): string {
  let size = Math.abs(bytes);
  let step = 0;
  while (size >= 1000 && step < PREFIXES.length - 1) {
    size /= 1024;
    step += 1;
  }
  const digits = step === 0 || size >= 100 ? 0 : 1;
  const sign = bytes < 0 ? '-' : '';
  return `${sign}${digits === 0 ? Math.round(size) : trim(size, digits)}${THIN}${PREFIXES[step] ?? ''}B`;
}

/** 0.423 becomes "42 %"; below 10 % one decimal. */
export function formatRatio(ratio: number): string {
  return formatPercent(ratio * 100);
}

export function formatPercent(percent: number): string {
  const digits = Math.abs(percent) < 10 && !Number.isInteger(percent) ? 1 : 0;
  return `${percent.toFixed(digits)}${THIN}%`;
}

/** A value by the unit of the metrics catalogue; an unknown unit is shown after the number. */
export function formatValue(unit: string, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NO_VALUE;
  switch (unit) {
    case 'percent':
      return formatPercent(value);
    case 'ratio':
      return formatRatio(value);
    case 'bytes':
      return formatBytes(value);
    case 'bytes_per_s':
      return `${formatBytes(value)}/s`;
    case 'per_s':
      return `${formatNumber(value)}/s`;
    case 'ms':
      return `${formatNumber(value)}${THIN}ms`;
    case 's':
      return `${formatNumber(value)}${THIN}s`;
    case 'bits':
      return `${formatNumber(value)}${THIN}bit`;
    case 'count':
    case 'flag':
      return formatNumber(value);
    default:
      return `${formatNumber(value)} ${unit}`;
  }
}
