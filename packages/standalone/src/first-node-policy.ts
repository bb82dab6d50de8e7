import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';

/** Never on the machine that somebody tries it out on: what destroys for good, and the end of their own session. */
const isForTrial = ({ name, risk }: ActionDefinition): boolean => risk !== 'high' && name !== 'node.reboot';
const namesOf = (needsRoot: boolean): readonly string[] =>
  [...ACTIONS.values()]
    .filter((action) => action.needsRoot === needsRoot && isForTrial(action))
    .map(({ name }) => name)
    .toSorted();

/** What needs root, by the first word of the actions' names: `account`, `apache`, ... */
export function thingsThatNeedRoot(): readonly string[] {
  return [...new Set(namesOf(true).map((name) => name.replace(/\..*$/, '')))];
}

const quoted = (names: readonly string[]): string => names.map((name) => `\n  ${JSON.stringify(name)},`).join('');

/** The policy file of the machine that `npm start` enrols: a shell as the user who started it, the actions of low and medium risk when root, nothing more. */
export function firstNodePolicy(userName: string, isRoot: boolean): string {
  const actions = isRoot ? [...namesOf(false), ...namesOf(true)] : namesOf(false);
  return `# What this node lets its controller do. The executor on this node reads it before every order;
# nothing that comes over the link can widen it. Whatever is not allowed here is refused.
version = 1

[[allow]]
actions = [${quoted(actions)}
]
${isRoot ? '' : `# Started as ${userName}, not as root: what changes the machine would be refused in any case.\n`}
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
