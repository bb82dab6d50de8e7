import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import { AccountName } from '../params.ts';
import { planChanges, type Planner } from '../planner.ts';
import type { PermissionFindings, PermissionPolicy, PermissionWork } from './account-host.ts';
import { loadAccount, normaliseName } from './known-account.ts';

const choice = <const T extends readonly string[]>(values: T, title: string, description: string) =>
  Type.Optional(
    Type.Union(
      values.map((value) => Type.Literal(value as T[number])),
      { title, description },
    ),
  );

/** Folders of the tree that belong to the account; the rest is root's. */
const PATH_PATTERN = '^(?:tmp|var/www)(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9 ._@+-]{1,100}){0,16}$';

const Args = Type.Object(
  {
    name: AccountName,
    path: Type.Optional(
      Type.String({
        pattern: PATH_PATTERN,
        maxLength: 1024,
        title: 'Folder',
        description: 'Below the home: var/www (when left out) or tmp, or a folder in one of them',
      }),
    ),
    directories: choice(['0755', '0711', '0750'], 'Folders', 'Mode of every folder; 0755 when left out'),
    files: choice(['0644', '0604', '0640'], 'Files', 'Mode of what Apache serves; 0644 when left out'),
    secrets: choice(
      ['0600', '0640'],
      'Scripts and passwords',
      'Mode of *.php, *.inc, .env, keys and dumps; 0600 when left out, and what is stricter stays',
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

function workOf({ name, path, directories, files, secrets }: Args): PermissionWork {
  const policy: PermissionPolicy = {
    directories: directories ?? '0755',
    files: files ?? '0644',
    secrets: secrets ?? '0600',
  };
  return { name, path: path ?? 'var/www', policy };
}

const countOf = ({ wrong }: PermissionFindings): number => Object.values(wrong).reduce((sum, count) => sum + count, 0);
const countsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');

function note(planner: Planner, { looked, wrong, first, skipped }: PermissionFindings): void {
  planner.note(`${looked} files and folders looked at; to be changed: ${countsText(wrong)}.`);
  if (Object.keys(skipped).length > 0) planner.note(`Left alone: ${countsText(skipped)}.`);
  for (const line of first) planner.note(line);
}

async function planFix(planner: Planner, args: Args): Promise<void> {
  const work = workOf(args);
  await loadAccount(planner.host, args.name);
  const found = await planner.host.queries.ask('account.permissions', work);
  const count = countOf(found);
  if (count === 0) {
    if (Object.keys(found.skipped).length > 0) planner.note(`Left alone: ${countsText(found.skipped)}.`);
    return;
  }
  note(planner, found);
  const list = found.digest;
  planner.task('account.restore-permissions', { name: args.name, list }, 'Put back modes and owners', 'undo');
  planner.task('account.fix-permissions', { ...work, list }, `Set modes and owners: ${countsText(found.wrong)}`);
}

export const accountFixPermissions = defineAction({
  name: 'account.fix-permissions',
  version: 1,
  title: "Put an account's permissions right",
  docs: `Gives every file and folder below var/www (or a folder of it) its account as owner and the mode of the policy: folders 0755, files 0644, scripts and files with passwords 0600 (what is stricter already stays). Set-id bits go, and nothing stays writable for everybody. The owner's execute bit of a file that others may run too is kept.

Safe while the customer works against it: every step goes by file descriptor, no link is followed, nothing is opened by its name twice. Left alone and counted: links, fifos, sockets, devices, files with several names of which another user is the owner, and what is mounted there.

The plan says how many and shows the first hundred. Undo puts back what was there, from a list that the node keeps, for every file that still is as it was made; set-id bits never come back.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 900_000,
  programs: [],
  normalise: normaliseName,
  locks: ({ name }) => [`account:${name}`],
  plan: (host, args) => planChanges(host, (planner) => planFix(planner, args)),
  async verify(host, args) {
    const found = await host.queries.ask('account.permissions', workOf(args));
    return [{ name: 'Nothing is left to change', ok: countOf(found) === 0, saw: countsText(found.wrong) || 'nothing' }];
  },
});
