import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName, checkAccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { loadAccount, replaceFile } from './known-account.ts';
import { SSH_KEY_PATTERN, sshKeyBody, sshKeyProblem } from './ssh-public-key.ts';

const Args = Type.Object(
  {
    name: AccountName,
    keys: Type.Array(
      Type.String({
        pattern: SSH_KEY_PATTERN,
        maxLength: 1600,
        title: 'Public key',
        description: 'The line of a .pub file: type, key, comment; without options before it',
      }),
      { maxItems: 50, title: 'Keys', description: 'All that may log in from now on; none: no login by key' },
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const HEADER = `# ${layout.MANAGED}\n`;
const textOf = (keys: readonly string[]): string => `${HEADER}${keys.map((key) => `${key}\n`).join('')}`;

/** A file that somebody wrote by hand is left alone. */
async function checkOurs(planner: Planner, path: string): Promise<void> {
  const state = await planner.host.files.state(path);
  if (state.type === 'absent' || (state.type === 'file' && state.content.startsWith(HEADER))) return;
  refuse(`${path} was not made by this action: move it away, or put its keys into the list`);
}

async function planKeys(planner: Planner, { name, keys }: Args): Promise<void> {
  const { host } = planner;
  await loadAccount(host, name);
  const path = layout.sshKeysOf(name);
  await planner.directory('/etc/ssh', { mode: 0o755, uid: 0, gid: 0 }, { shared: true });
  await planner.directory(layout.SSH_KEYS_ROOT, { mode: 0o755, uid: 0, gid: 0 }, { shared: true });
  await checkOurs(planner, path);
  const file = { mode: 0o644, uid: 0, gid: 0, content: textOf(keys) };
  await replaceFile(planner, path, keys.length === 0 ? null : file);
  const { isInstalled, readsKeys, problem } = await host.queries.ask('account.ssh', { name });
  if (!isInstalled) planner.note('OpenSSH is not installed on this node: nobody can log in with these keys here.');
  else if (problem !== null) refuse(`sshd is not content with its configuration: ${problem}`);
  else if (!readsKeys)
    planner.note(
      `sshd does not read ${layout.SSH_KEYS_ROOT}/%u for ${name}: add the Match block of the documentation to its configuration.`,
    );
}

export const accountSetSshKeys = defineAction({
  name: 'account.set-ssh-keys',
  version: 1,
  title: "Set an account's SSH keys",
  docs: `Sets the public keys that an account may log in with, all of them at once, in ${layout.SSH_KEYS_ROOT}/NAME: a file of root outside of the customer's tree. Keys are taken apart first: one line each, no options before them (command=, from=), the type inside equal to the one outside, RSA of 3,072 bits or more. Then ssh-keygen has to count as many keys, and sshd -t has to be content. sshd reads the file at each login: nothing is restarted.

sshd needs this once, in a file below /etc/ssh/sshd_config.d, for the group that your accounts are in:

    Match Group hosting
      AuthorizedKeysFile ${layout.SSH_KEYS_ROOT}/%u
      ChrootDirectory ${layout.HOMES_ROOT}/%u
      ForceCommand internal-sftp -d /var/www
      AllowTcpForwarding no
      X11Forwarding no

An account has no shell (nologin): internal-sftp needs none.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['ssh-keygen', 'sshd'],
  normalise({ name, keys }) {
    const problem = checkAccountName(name) ?? keys.map(sshKeyProblem).find((found) => found !== null) ?? null;
    if (problem !== null) return { ok: false, problem };
    const each = keys.filter((key, at) => keys.findIndex((other) => sshKeyBody(other) === sshKeyBody(key)) === at);
    return { ok: true, args: { name, keys: each } };
  },
  locks: ({ name }) => [`account:${name}`],
  plan: (host, args) => planChanges(host, (planner) => planKeys(planner, args)),
  async verify(host, { name, keys }) {
    const state = await host.files.state(layout.sshKeysOf(name));
    const wanted = keys.length === 0 ? 'absent' : textOf(keys);
    const { fingerprints, isInstalled, problem } = await host.queries.ask('account.ssh', { name });
    const written = state.type === 'file' ? state.content : state.type;
    const count = { name: 'ssh-keygen counts as many', ok: fingerprints.length === keys.length };
    return [
      { name: 'The file holds these keys', ok: written === wanted, saw: state.type },
      ...(isInstalled
        ? [
            { ...count, saw: `${fingerprints.length} of ${keys.length}` },
            { name: 'sshd is content', ok: problem === null, saw: problem ?? 'yes' },
          ]
        : []),
    ];
  },
});
