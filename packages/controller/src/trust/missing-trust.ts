import { canonicalJson } from '@hauban/link';
import type { Access, Bundle } from '@hauban/shared/protocol';
import type { Candidate } from './bundles.repository.ts';
import { toOperator } from './draft-bundle.ts';

export interface TrustFacts {
  readonly current: Bundle | null;
  readonly people: readonly Candidate[];
  /** Roles as they are now. */
  readonly access: Access;
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

/** Where the signed roles and those of the controller have drifted apart. */
function missingRoles({ current, people, access }: TrustFacts): string[] {
  if (current === null) return [];
  const signed = current.access;
  if (signed === undefined)
    return [
      'The policy bundle says nothing of roles: whoever takes over the controller can ask for anything in the name of anybody whom it lists. Draft a new one.',
    ];
  const [before, now] = [signed, access].map(
    ({ roles }) => new Map(roles.map(({ name, rules }) => [name, canonicalJson(rules)])),
  );
  const names = [...new Set([...(before?.keys() ?? []), ...(now?.keys() ?? [])])].toSorted();
  const roles = names.filter((name) => before?.get(name) !== now?.get(name));
  const roleOf = new Map(signed.people.map(({ id, role }) => [id, role]));
  const moved = people.filter(({ id, role }) => (roleOf.get(id) ?? role) !== role).map(({ name }) => name);
  const goesBy = 'the signer goes by the policy bundle. Draft a new one.';
  return [
    ...(roles.length === 0 ? [] : [`The policy bundle has other rules for the roles ${some(roles)}: ${goesBy}`]),
    ...(moved.length === 0 ? [] : [`The policy bundle has another role for ${some(moved)}: ${goesBy}`]),
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
  [missingBundle, missingKeys, missingPeople, missingRoles, missingNodes].flatMap((look) => look(facts));
