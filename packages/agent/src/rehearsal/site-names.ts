import type { Directive } from './apache-directives.ts';
import type { Fault } from './apache-fault.ts';

/** Who answers for a name. Apache takes the first virtual host that has it and says nothing of the others. */

/** A site of an account, by the name that only our files have. */
const HOSTED = /\/hosting-[a-z][a-z0-9]*--[^/]+\.conf$/;

interface SiteNames {
  readonly file: string;
  readonly names: readonly Directive[];
  readonly ports: readonly string[];
}

const portOf = (address: string): string => /:(\d+)$/.exec(address)?.[1] ?? '*';
const withoutPort = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/:\d+$/, '');

function sitesOf(directives: readonly Directive[]): readonly SiteNames[] {
  const byHost = new Map<string, { file: string; names: Directive[]; ports: string[] }>();
  for (const directive of directives) {
    const { file, name, args, host } = directive;
    if (host === null) continue;
    const id = `${file}:${host}`;
    const site = byHost.get(id) ?? { file, names: [], ports: [] };
    byHost.set(id, site);
    if (name === '<virtualhost') site.ports.push(...args.map(portOf));
    if (name === 'servername' || name === 'serveralias') site.names.push(directive);
  }
  return [...byHost.values()];
}

/** `*` and `?` in an alias stand for any letters. */
function isMatch(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === name;
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

const namesIn = (directive: Directive): readonly string[] => directive.args.map(withoutPort);
const sharePort = (one: SiteNames, two: SiteNames): boolean =>
  one.ports.some((port) => port === '*' || two.ports.includes(port) || two.ports.includes('*'));

/** The first place where a site that stands before an account's takes its name; null when there is none. */
export function checkNames(directives: readonly Directive[]): Fault | null {
  const sites = sitesOf(directives);
  const exact = new Map<string, { readonly site: SiteNames; readonly at: Directive }[]>();
  const patterns: { readonly site: SiteNames; readonly at: Directive; readonly pattern: string }[] = [];
  for (const site of sites) {
    const own = HOSTED.test(site.file) ? site.names.flatMap(namesIn) : [];
    for (const name of own) {
      const taken = [...(exact.get(name) ?? []), ...patterns.filter(({ pattern }) => isMatch(pattern, name))];
      const first = taken.find((other) => other.site.file !== site.file && sharePort(other.site, site));
      if (first !== undefined) {
        const { file, line } = first.at;
        return { file, line, problem: `${name} is a site of ${site.file}, and this one would answer for it` };
      }
    }
    for (const at of site.names)
      for (const name of namesIn(at)) {
        if (/[*?]/.test(name)) patterns.push({ site, at, pattern: name });
        else exact.set(name, [...(exact.get(name) ?? []), { site, at }]);
      }
  }
  return null;
}
