import { countOf } from '../count-of.ts';
import type { SiteScan } from './web-host.ts';

const NOTES = 50;

/** What was found, worst first, a line each. */
export function scanNotes({ findings, filesRead, limits }: SiteScan): readonly string[] {
  const order = ['breaks', 'ignored', 'risk'];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return [
    `${countOf(filesRead, 'file')} read, ${countOf(findings.length, 'finding')}, ${findings.filter(({ severity }) => severity === 'breaks').length} that break something.`,
    ...limits.slice(0, 10).map((limit) => `Not looked at: ${limit}.`),
    ...sorted
      .slice(0, NOTES)
      .map(({ file, line, what, fix }) => `${file}${line === null ? '' : ` line ${line}`}: ${what}. ${fix}`),
  ];
}
