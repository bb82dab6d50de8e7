/**
 * The action catalogue as the API shows it, and the arguments that the controller fills in. The actions themselves
 * are in `@hauban/shared/actions`: data here, carried out on the nodes only.
 */
import { ACTIONS, MOST_CREATED, parseActionArguments, type ActionDefinition } from '@hauban/shared/actions';
import type { ActionRow } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { AccountUidsRepository } from './account-uids.repository.ts';
import { findCustom, offeredCustom, type ToldCustom } from './custom-actions.ts';

type Args = Readonly<Record<string, unknown>>;

export interface ActionsService {
  /** Ours, then those of the hoster that nodes have told of. */
  list(): Promise<ActionRow[]>;
  /** ACTION_UNKNOWN when there is none of that name. */
  find(name: string): Promise<ActionDefinition>;
  /** Arguments as they will be signed: what was left out is filled in, the rest is checked and in canonical form. */
  prepare(action: ActionDefinition, args: Args): Promise<Args>;
}

const ACCOUNT_NAME = /^[a-z][a-z0-9]{0,31}$/;
const UID_MIN = 100_000;
const UID_MAX = 499_999;

const isTable = (value: unknown): value is Args => typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (detail: string): HaubanError => new HaubanError('ACTION_ARGUMENTS', detail);

function toRow(action: ActionDefinition): ActionRow {
  const { name, version, title, docs, risk, roles, needsRoot, readOnly, args, filledIn } = action;
  return { name, version, title, docs, risk, roles: [...roles], needsRoot, readOnly, args, filledIn: [...filledIn] };
}

export function createActionsService(
  uids: AccountUidsRepository,
  clock: Clock,
  told: () => Promise<readonly ToldCustom[]> = () => Promise.resolve([]),
): ActionsService {
  /** The uid belongs to the account's name: asked again for the same name, it is the same. */
  const fillUid = async (args: Args): Promise<Args> => {
    const { name, uid } = args as { name?: unknown; uid?: unknown };
    // A name that does not fit gets its sentence from the schema, and no uid is spent on it.
    if (typeof name !== 'string' || !ACCOUNT_NAME.test(name)) return args;
    if (uid === undefined) return { ...args, uid: await uids.allocate(name, clock.nowMs()) };
    const isUid = typeof uid === 'number' && Number.isInteger(uid) && uid >= UID_MIN && uid <= UID_MAX;
    if (isUid && !(await uids.claim(name, uid, clock.nowMs()))) {
      throw wrong(`argument uid: ${uid} or the account ${name} is registered with another one; leave the uid out`);
    }
    return args;
  };
  /** What is no list of accounts, or a longer one than an order takes, gets its sentence from the schema. */
  const fillUids = async (args: Args): Promise<Args> => {
    const { accounts } = args;
    if (!Array.isArray(accounts) || accounts.length > MOST_CREATED) return args;
    const filled: unknown[] = [];
    for (const account of accounts as readonly unknown[])
      filled.push(isTable(account) ? await fillUid(account) : account);
    return { ...args, accounts: filled };
  };
  const fillers: Readonly<Record<string, (args: Args) => Promise<Args>>> = {
    uid: fillUid,
    'accounts.uid': fillUids,
  };

  return {
    list: async () => [...ACTIONS.values(), ...offeredCustom(await told())].map(toRow),
    find: async (name) => {
      if (name.startsWith('custom.')) return findCustom(name, await told());
      const action = ACTIONS.get(name);
      if (action === undefined) throw new HaubanError('ACTION_UNKNOWN', `There is no action ${JSON.stringify(name)}.`);
      return action;
    },
    prepare: async (action, args) => {
      let filled = args;
      for (const name of action.filledIn) {
        const fill = Object.hasOwn(fillers, name) ? fillers[name] : undefined;
        if (fill === undefined) throw new TypeError(`nothing fills in ${name} of ${action.name}`);
        filled = await fill(filled);
      }
      const parsed = parseActionArguments(action, filled);
      if (!parsed.ok) throw wrong(parsed.problem);
      return parsed.args;
    },
  };
}
