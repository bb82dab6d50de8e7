import Type from 'typebox';
import { formatPrefix } from '../address.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { BanTarget, parseBanTarget } from '../params.ts';
import { planChanges } from '../planner.ts';
import { MOST_PART_ENTRIES, partOf } from './ban-list-parts.ts';
import { planListPart, type ListPart } from './list-plan.ts';

const Group = Type.Object(
  {
    until: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 8_640_000_000_000,
        title: 'Until',
        description: 'Unix ms; left out: until lifted',
      }),
    ),
    targets: Type.Array(BanTarget, { minItems: 1, maxItems: MOST_PART_ENTRIES, title: 'Addresses and prefixes' }),
  },
  { additionalProperties: false },
);
const Args = Type.Object(
  {
    list: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,39}$',
      title: 'Ban list',
      description: 'Lower-case letters, digits and -',
    }),
    part: Type.Integer({ minimum: 0, maximum: 63, title: 'Part', description: 'From 0' }),
    parts: Type.Integer({ minimum: 1, maximum: 64, title: 'Parts', description: 'How many the list has' }),
    groups: Type.Array(Group, { maxItems: MOST_PART_ENTRIES, title: 'Entries', description: 'By their end' }),
  },
  { additionalProperties: false },
);
type Args = Type.Static<typeof Args>;

type Normalised = { readonly ok: true; readonly args: Args } | { readonly ok: false; readonly problem: string };
const wrong = (problem: string): Normalised => ({ ok: false, problem });

/** Canonical, each entry once and in the part where it belongs. */
function normalise(args: Args): Normalised {
  const { part, parts } = args;
  if (part >= parts) return wrong(`There is no part ${part} of ${parts}: they are counted from 0.`);
  const seen = new Set<string>();
  const groups: Args['groups'] = [];
  for (const group of args.groups) {
    const targets: string[] = [];
    for (const text of group.targets) {
      const parsed = parseBanTarget(text, false);
      if (!parsed.ok) return wrong(parsed.problem);
      const target = formatPrefix(parsed.value);
      if (partOf(target, parts) !== part)
        return wrong(`${target} belongs into part ${partOf(target, parts)} of ${parts}.`);
      if (seen.has(target)) return wrong(`${target} is there twice.`);
      seen.add(target);
      targets.push(target);
    }
    groups.push({ ...group, targets });
  }
  if (seen.size > MOST_PART_ENTRIES)
    return wrong(`A part has ${MOST_PART_ENTRIES} entries at most; these are ${seen.size}.`);
  return { ok: true, args: { ...args, groups } };
}

const partOfArgs = ({ list, part, parts, groups }: Args): ListPart => ({
  list,
  part,
  parts,
  groups: groups.map(({ until, targets }) => (until === undefined ? { targets } : { until, targets })),
});

/** Says of at most so many what hinders them. */
const MOST_NAMED = 3;

function unmetOf(leftOut: readonly { readonly target: string; readonly why: string }[]): string | null {
  if (leftOut.length === 0) return null;
  const named = leftOut.slice(0, MOST_NAMED).map(({ target, why }) => `${target} is not banned: ${why}`);
  return `${named.join('; ')}${leftOut.length > MOST_NAMED ? `; and ${leftOut.length - MOST_NAMED} more` : ''}`;
}

async function verifyPart(host: Host, args: Args): Promise<readonly Verified[]> {
  const { entries } = await planListPart(host, partOfArgs(args));
  const first = entries[0];
  return [{ name: 'In the kernel as listed', ok: first === undefined, saw: first?.target ?? 'nothing differs' }];
}

export const firewallSetList = defineAction({
  name: 'firewall.set-list',
  version: 1,
  title: 'Ban what a list says',
  docs: `Brings one part of a ban list to the node: its entries are banned, each until its own end, and what the list has banned before and does not hold any more is lifted. Bans that a person made for longer, and those of other lists, stay. Pools do this by themselves for the lists that they have.

What the node never bans is left out and named; the other entries are banned all the same. Undo restores what was banned before.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['nft'],
  normalise,
  locks: () => ['nft'],
  async plan(host, args) {
    const { entries, leftOut } = await planListPart(host, partOfArgs(args));
    const unmet = unmetOf(leftOut);
    const planned = await planChanges(host, async (planner) => {
      if (unmet !== null) planner.note(`${unmet}.`);
      if (entries.length > 0) planner.add({ kind: 'bans', entries });
    });
    return planned.ok && unmet !== null ? { ...planned, unmet } : planned;
  },
  verify: (host, args) => verifyPart(host, args),
});
