import Type from 'typebox';
import { containsPrefix, isSingle, parsePrefix, type Prefix } from '../address.ts';
import type { Host } from '../host.ts';
import type { BanSource, ForeignBan } from './protection-host.ts';

/** Who else bans on a hosting node, in the order in which people are told. */
export const BAN_SOURCES: readonly BanSource[] = ['fail2ban', 'crowdsec'];

export const BanSourceArg = Type.Enum(['fail2ban', 'crowdsec'], { title: 'Program' });

/** Our set that holds it: single addresses in hash sets, prefixes in interval sets, by family. */
export type BanSet = 'ban4' | 'net4' | 'ban6' | 'net6';
export const banSetOf = (prefix: Prefix): BanSet => `${isSingle(prefix) ? 'ban' : 'net'}${prefix.family}`;

/** A ban with the one who made it. */
export interface SourcedBan extends ForeignBan {
  readonly source: BanSource;
}

/** One source and whether it could be asked. */
export interface AskedSource {
  readonly source: BanSource;
  readonly state: 'absent' | 'silent' | 'asked';
  /** Why it is silent. */
  readonly detail: string;
}

export interface AskedSources {
  readonly sources: readonly AskedSource[];
  readonly bans: readonly SourcedBan[];
}

/** Asks each of them; one that is away keeps no other from answering. */
export async function askSources(host: Host, sources: readonly BanSource[], address?: string): Promise<AskedSources> {
  const answers = await Promise.all(
    sources.map(async (source) => ({
      source,
      answer: await host.queries.ask('protection.foreign-bans', {
        source,
        ...(address === undefined ? {} : { address }),
      }),
    })),
  );
  return {
    sources: answers.map(({ source, answer }) => ({
      source,
      state: answer.state,
      detail: answer.state === 'silent' ? answer.detail : '',
    })),
    bans: answers.flatMap(({ source, answer }) =>
      answer.state === 'asked' ? answer.bans.map((ban) => ({ source, ...ban })) : [],
    ),
  };
}

/** So many targets are asked about one by one: an exact answer. About more, all bans are asked for, of which there is a most. */
const ASKED_EACH = 5;

/** The bans that hold these targets, or more. */
export async function askAbout(
  host: Host,
  sources: readonly BanSource[],
  targets: readonly string[],
): Promise<AskedSources> {
  if (targets.length > ASKED_EACH) return askSources(host, sources);
  const answers: AskedSources[] = [];
  for (const target of targets) answers.push(await askSources(host, sources, target));
  return { sources: answers[0]?.sources ?? [], bans: answers.flatMap(({ bans }) => bans) };
}

/** Does the ban of that target drop what this address sends? */
export function holds(target: string, address: Prefix): boolean {
  const prefix = parsePrefix(target);
  return prefix !== null && containsPrefix(prefix, address);
}
