/** Actions that a person trying it out expects; all need root. */
const ROOT_ACTIONS = [
  'account.create',
  'php.switch-version',
  'apache.reload',
  'firewall.ban',
  'firewall.unban',
  'firewall.list',
];
/** Actions that work for any user. */
const USER_ACTIONS = ['node.ping'];

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** The policy file of the machine that `npm start` enrols: a shell as the user who started it, the actions when root, nothing more. */
export function firstNodePolicy(userName: string, isRoot: boolean): string {
  const actions = isRoot ? [...USER_ACTIONS, ...ROOT_ACTIONS] : USER_ACTIONS;
  return `# What this node lets its controller do. The executor on this node reads it before every order;
# nothing that comes over the link can widen it. Whatever is not allowed here is refused.
version = 1

[[allow]]
actions = [${quoted(actions)}]
${isRoot ? '' : `# Started as ${userName}, not as root, so these would be refused in any case: ${ROOT_ACTIONS.join(', ')}\n`}
[shell]
# Login names that a shell may be opened as. An empty list: no shells.
users = [${quoted([userName])}]
max_minutes = 480
grace_seconds = 120
# Output is always recorded. Input holds passwords, so it is recorded only when you say so.
record_input = false

[firewall]
# Addresses and prefixes that are never banned, besides loopback, this node's own and its controller's.
never_ban = []
`;
}

export { ROOT_ACTIONS };
