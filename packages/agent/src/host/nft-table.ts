import {
  banSetOf,
  containsPrefix,
  formatAddress,
  formatPrefix,
  isSingle,
  parsePrefix,
  type BanEntry,
  type BanSet,
  type Prefix,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/**
 * Our table `inet hauban` as libnftables-json (schema version 1). Only JSON on standard input reaches nft: in its own
 * language a single argument `{ 1.2.3.4 }; delete table ...` is executed, exit code 0, without any shell. Every
 * address in here is canonical text made from bits.
 */
const FAMILY = 'inet';
export const TABLE = 'hauban';
const CHAIN = 'input';
/** Before any rule that accepts established connections: a ban cuts those too. */
const PRIORITY = -10;

type SetName = 'never4' | 'never6' | BanSet;
type Json = unknown;
export type Command = Readonly<Record<string, Json>>;

const set = (name: SetName, type: string, more: object): object => ({
  family: FAMILY,
  table: TABLE,
  name,
  type,
  ...more,
});

/** Single addresses in hash sets, prefixes in interval sets without auto-merge: merging with time-outs bans what nobody asked for. */
const SETS: readonly object[] = [
  set('never4', 'ipv4_addr', { flags: ['interval'] }),
  set('never6', 'ipv6_addr', { flags: ['interval'] }),
  set('ban4', 'ipv4_addr', { flags: ['timeout'], size: 262_144, stmt: [{ counter: null }] }),
  set('net4', 'ipv4_addr', { flags: ['interval', 'timeout'], size: 65_536, stmt: [{ counter: null }] }),
  set('ban6', 'ipv6_addr', { flags: ['timeout'], size: 262_144, stmt: [{ counter: null }] }),
  set('net6', 'ipv6_addr', { flags: ['interval', 'timeout'], size: 65_536, stmt: [{ counter: null }] }),
];

interface Rule {
  readonly protocol: 'ip' | 'ip6';
  readonly set: SetName;
  readonly verdict: 'accept' | 'drop';
}

/** Who is never banned is accepted first: also when a ban of the same address slipped in. */
const RULES: readonly Rule[] = [
  { protocol: 'ip', set: 'never4', verdict: 'accept' },
  { protocol: 'ip6', set: 'never6', verdict: 'accept' },
  { protocol: 'ip', set: 'ban4', verdict: 'drop' },
  { protocol: 'ip', set: 'net4', verdict: 'drop' },
  { protocol: 'ip6', set: 'ban6', verdict: 'drop' },
  { protocol: 'ip6', set: 'net6', verdict: 'drop' },
];

const match = ({ protocol, set }: Rule): object => ({
  match: { op: '==', left: { payload: { protocol, field: 'saddr' } }, right: `@${set}` },
});
const ruleOf = (rule: Rule): object => ({
  family: FAMILY,
  table: TABLE,
  chain: CHAIN,
  expr: [match(rule), { [rule.verdict]: null }],
});

const table = { family: FAMILY, name: TABLE };

/** Makes the table as it has to be, whatever was there under that name. */
export const rebuildCommands = (): readonly Command[] => [
  { add: { table } },
  { delete: { table } },
  { add: { table } },
  ...SETS.map((definition) => ({ add: { set: definition } })),
  {
    add: {
      chain: { ...table, table: TABLE, name: CHAIN, type: 'filter', hook: 'input', prio: PRIORITY, policy: 'accept' },
    },
  },
  ...RULES.map((rule) => ({ add: { rule: ruleOf(rule) } })),
];

export const removeTableCommands = (): readonly Command[] => [{ add: { table } }, { delete: { table } }];

const value = (prefix: Prefix): Json =>
  isSingle(prefix) ? formatAddress(prefix) : { prefix: { addr: formatAddress(prefix), len: prefix.length } };

function mustParse(target: string): Prefix {
  const prefix = parsePrefix(target);
  if (prefix === null)
    throw new HaubanError('BAD_REQUEST', `${JSON.stringify(target.slice(0, 60))} is no address and no prefix`);
  return prefix;
}

const elements = (name: SetName, elem: readonly Json[]): object => ({ family: FAMILY, table: TABLE, name, elem });

/** A ban as the kernel takes it. A time-out of 0 would mean for ever. */
function elementOf({ prefix, leftS }: Standing): Json {
  const val = value(prefix);
  return leftS === null ? val : { elem: { val, timeout: Math.max(1, Math.ceil(leftS)) } };
}

interface Standing {
  readonly prefix: Prefix;
  /** Seconds; null: until lifted. */
  readonly leftS: number | null;
}

/** nft looks for each prefix that goes in all others: measured, each takes a quarter of what filling 20,000 anew does. */
const MOST_GONE_ONE_BY_ONE = 4;

/** One set: what goes, then what comes, each as one command. Thousands of commands would take nft minutes. */
function changeSet(
  name: BanSet,
  there: ReadonlyMap<string, Standing>,
  gone: ReadonlySet<string>,
  come: readonly Standing[],
): readonly Command[] {
  const add = (bans: readonly Standing[]): readonly Command[] =>
    bans.length === 0 ? [] : [{ add: { element: elements(name, bans.map(elementOf)) } }];
  const going = [...there].filter(([target]) => gone.has(target)).map(([, ban]) => ban);
  if (name.startsWith('net') && going.length > MOST_GONE_ONE_BY_ONE) {
    // Filled anew: what it had dropped so far is counted from zero again.
    const staying = [...there].filter(([target]) => !gone.has(target)).map(([, ban]) => ban);
    return [{ flush: { set: { family: FAMILY, table: TABLE, name } } }, ...add([...staying, ...come])];
  }
  const values = going.map(({ prefix }) => value(prefix));
  // Added before it is deleted: what has run out meanwhile would fail the whole transaction.
  const removal =
    values.length === 0
      ? []
      : [{ add: { element: elements(name, values) } }, { delete: { element: elements(name, values) } }];
  return [...removal, ...add(come)];
}

/**
 * Brings the sets from what the kernel has to what is wanted. Re-adding alone keeps the old end on kernels before 6.12,
 * so what is there already is removed first, in the same transaction.
 */
export function changeCommands(
  kernel: readonly KernelBan[],
  add: readonly BanEntry[],
  remove: readonly string[],
  nowMs: number,
): readonly Command[] {
  const come = new Map<string, Standing>();
  for (const { target, expiresAt } of add) {
    const leftS = expiresAt === null ? null : (expiresAt - nowMs) / 1000;
    come.set(target, { prefix: mustParse(target), leftS });
  }
  const gone = new Set([...remove, ...come.keys()]);
  const there = kernel.map(({ target, leftS }) => [target, { prefix: mustParse(target), leftS }] as const);
  return (['ban4', 'net4', 'ban6', 'net6'] as const).flatMap((name) =>
    changeSet(
      name,
      new Map(there.filter(([, { prefix }]) => banSetOf(prefix) === name)),
      gone,
      [...come.values()].filter(({ prefix }) => banSetOf(prefix) === name),
    ),
  );
}

/** Without those that lie in others: intervals of one set may not overlap. */
function widest(prefixes: readonly Prefix[]): readonly Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of prefixes.toSorted((a, b) => a.length - b.length))
    if (!kept.some((other) => containsPrefix(other, prefix))) kept.push(prefix);
  return kept;
}

/** The whole list of who is never banned, instead of the one before. */
export function neverCommands(targets: readonly string[]): readonly Command[] {
  const prefixes = widest(targets.map(mustParse));
  const one = (name: 'never4' | 'never6', family: 4 | 6): readonly Command[] => {
    const elem = prefixes.filter((prefix) => prefix.family === family).map(value);
    const flush = { flush: { set: { family: FAMILY, table: TABLE, name } } };
    return elem.length === 0 ? [flush] : [flush, { add: { element: elements(name, elem) } }];
  };
  return [...one('never4', 4), ...one('never6', 6)];
}

/** One element as the kernel has it. */
export interface KernelBan {
  readonly target: string;
  /** Seconds left; null: until lifted. */
  readonly leftS: number | null;
  readonly packets: number | null;
}

export interface KernelTable {
  /** Sets, chain and rules are exactly ours. */
  readonly isIntact: boolean;
  readonly bans: readonly KernelBan[];
}

interface Listed {
  readonly set?: {
    readonly name: string;
    readonly type: string;
    readonly flags?: readonly string[];
    readonly elem?: readonly Json[];
  };
  readonly chain?: { readonly name: string; readonly hook?: string; readonly prio?: number; readonly policy?: string };
  readonly rule?: { readonly chain: string; readonly expr: readonly Json[] };
}

function parseElement(raw: Json): KernelBan | null {
  const outer =
    typeof raw === 'object' && raw !== null && 'elem' in raw ? (raw.elem as Record<string, Json>) : { val: raw };
  const val = outer['val'];
  const prefix =
    typeof val === 'string'
      ? parsePrefix(val)
      : parsePrefix(
          `${(val as { prefix?: { addr?: string } }).prefix?.addr ?? ''}/${(val as { prefix?: { len?: number } }).prefix?.len ?? ''}`,
        );
  if (prefix === null) return null;
  const counter = outer['counter'] as { packets?: number } | undefined;
  return {
    target: formatPrefix(prefix),
    leftS: typeof outer['expires'] === 'number' ? outer['expires'] : null,
    packets: counter?.packets ?? null,
  };
}

/** Without handles and other things that the kernel adds. */
const essence = (rule: { readonly expr: readonly Json[] }): string => JSON.stringify(rule.expr);

function isIntact(listed: readonly Listed[]): boolean {
  const sets = listed.flatMap((entry) => entry.set ?? []);
  const setsText = (list: readonly { name: string; type: string; flags?: readonly string[] }[]): string =>
    list
      .map(({ name, type, flags }) => JSON.stringify([name, type, [...(flags ?? [])].sort()]))
      .sort()
      .join('\n');
  const chains = listed.flatMap((entry) => entry.chain ?? []);
  const rules = listed.flatMap((entry) => entry.rule ?? []);
  return (
    setsText(sets) === setsText(SETS as readonly { name: string; type: string; flags: readonly string[] }[]) &&
    chains.length === 1 &&
    chains[0]?.hook === 'input' &&
    chains[0].prio === PRIORITY &&
    chains[0].policy === 'accept' &&
    JSON.stringify(rules.map(essence)) ===
      JSON.stringify(RULES.map((rule) => essence({ expr: [match(rule), { [rule.verdict]: null }] })))
  );
}

/** The answer of `nft -j list table inet hauban`. */
export function parseTable(json: string): KernelTable {
  const { nftables } = JSON.parse(json) as { readonly nftables: readonly Listed[] };
  const bans = nftables
    .flatMap((entry) =>
      entry.set !== undefined && /^(?:ban|net)[46]$/.test(entry.set.name) ? (entry.set.elem ?? []) : [],
    )
    .flatMap((element) => parseElement(element) ?? []);
  return { isIntact: isIntact(nftables), bans };
}

/** Is our table among those that `nft -j list tables` names? */
export function hasTable(json: string): boolean {
  const { nftables } = JSON.parse(json) as {
    readonly nftables: readonly { readonly table?: { family: string; name: string } }[];
  };
  return nftables.some((entry) => entry.table?.family === FAMILY && entry.table.name === TABLE);
}
