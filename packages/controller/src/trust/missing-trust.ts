import { canonicalJson } from '@hauban/link';
import type { Bundle } from '@hauban/shared/protocol';
import type { Candidate } from './bundles.repository.ts';
import { toOperator } from './draft-bundle.ts';

export interface TrustFacts {
  readonly current: Bundle | null;
  readonly people: readonly Candidate[];
  readonly nodes: readonly { readonly hostName: string; readonly version: number }[];
  /** Passkeys work at this controller's address. */
  readonly hasSite: boolean;
}

const some = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

function missingKeys({ people, hasSite }: TrustFacts): string[] {
  if (!hasSite)
    return ['Passkeys do not work at this address (they need https or localhost): nobody can approve anything.'];
  const owners = people.filter(({ role }) => role === 'owner').map(toOperator);
  const withKey = owners.filter(({ credentials }) => credentials.length > 0).length;
  if (withKey === 0)
    return ['No owner has a passkey: nobody can approve, so there can be no policy bundle. Add one to your account.'];
  return withKey === 1
    ? ['Only one owner has a passkey: if it is lost, the policy bundle can never be changed. Add a second owner.']
    : [];
}

function missingBundle({ current }: TrustFacts): string[] {
  if (current === null)
    return [
      'There is no policy bundle: nothing needs approval, and whoever takes over the controller can have any order signed.',
    ];
  const { high, rootShell } = current.needs;
  return [
    ...(high === 0 ? ['The policy bundle lets one person alone do what is dangerous.'] : []),
    ...(current.requesterMayApprove === false || Math.max(high, rootShell) === 0
      ? []
      : ['The policy bundle lets who asks approve it too, as one of those who have to.']),
    ...(rootShell === 0 ? ['The policy bundle lets one person alone open a shell as root.'] : []),
  ];
}

/** Where the bundle and the accounts have drifted apart. */
function missingPeople({ current, people }: TrustFacts): string[] {
  if (current === null) return [];
  const now = new Map(people.map((person) => [person.id, toOperator(person)]));
  const listed = new Map(current.operators.map((operator) => [operator.id, operator]));
  const gone = current.operators.filter(({ id }) => !now.has(id)).map(({ name }) => name);
  const fresh = people.filter(({ id }) => !listed.has(id)).map(({ name }) => name);
  const changed = people
    .filter(({ id }) => listed.has(id) && canonicalJson(listed.get(id)) !== canonicalJson(now.get(id)))
    .map(({ name }) => name);
  return [
    ...(gone.length === 0
      ? []
      : [`The policy bundle still lists ${some(gone)}, who may no longer act: draft a new one.`]),
    ...(fresh.length === 0
      ? []
      : [`The policy bundle does not list ${some(fresh)}: nothing is signed for them. Draft a new one.`]),
    ...(changed.length === 0
      ? []
      : [`The policy bundle lists other passkeys or another role for ${some(changed)}: draft a new one.`]),
  ];
}

function missingNodes({ current, nodes }: TrustFacts): string[] {
  if (current === null) return [];
  const behind = nodes.filter(({ version }) => version < current.version).map(({ hostName }) => hostName);
  const ahead = nodes.filter(({ version }) => version > current.version).map(({ hostName }) => hostName);
  return [
    ...(behind.length === 0 ? [] : [`These nodes do not hold the newest policy bundle yet: ${some(behind)}.`]),
    ...(ahead.length === 0
      ? []
      : [
          `These nodes hold a newer policy bundle than this controller knows, which was restored from a backup: ${some(ahead)}.`,
        ]),
  ];
}

/** What is missing, in plain words, the worst first. */
export const missingTrust = (facts: TrustFacts): string[] =>
  [missingBundle, missingKeys, missingPeople, missingNodes].flatMap((look) => look(facts));
