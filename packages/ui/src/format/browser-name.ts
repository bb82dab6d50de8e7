import { texts } from '../texts/index.ts';

/** Who is named first also claims to be those that follow, for the sake of sites that ask. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/[\d.]+ (?:Mobile\/\w+ )?Safari\//, 'Safari'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bWindows\b/, 'Windows'],
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

const nameIn = (table: readonly (readonly [RegExp, string])[], text: string): string | null =>
  table.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/**
 * "Firefox on Linux" from what a program says of itself in `User-Agent`. Family and system only: browsers freeze or
 * invent the rest. What is not certain is not named. It is a claim, which anybody can make.
 */
export function browserName(userAgent: string): string {
  const { programOn, programUnknown } = texts.signIns;
  const browser = nameIn(BROWSERS, userAgent);
  if (browser === null) return programUnknown;
  const system = nameIn(SYSTEMS, userAgent);
  return system === null ? browser : programOn(browser, system);
}
