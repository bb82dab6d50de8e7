import Type from 'typebox';
import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';

export const accountList = defineAction({
  name: 'account.list',
  version: 1,
  title: 'List the hosting accounts',
  docs: `Shows the hosting accounts of a node: number, PHP version, domains, and whether one is suspended or has expired. Changes nothing. The accounts are in the result's data.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: [],
  locks: () => [],
  async plan(host) {
    const accounts = await host.queries.ask('account.list', {});
    return { ok: true, changes: [], notes: [`${countOf(accounts.length, 'account')}.`], data: { accounts } };
  },
  verify: () => Promise.resolve([]),
});
