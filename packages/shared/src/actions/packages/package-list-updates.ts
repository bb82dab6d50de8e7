import Type from 'typebox';
import { defineAction } from '../define-action.ts';

const Args = Type.Object({}, { additionalProperties: false });

export const packageListUpdates = defineAction({
  name: 'package.list-updates',
  version: 1,
  title: 'List updates of packages',
  docs: `Lists what an upgrade would bring, with where it comes from and whether it is a security update, from the lists that the node has; package.refresh fetches new ones. Changes nothing.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['apt-get', 'dpkg-query', 'systemctl'],
  locks: () => [],
  async plan(host) {
    const { updates, listsFrom, broken } = await host.queries.ask('package.updates', {});
    return { ok: true, changes: [], notes: [], data: { updates, listsFrom, broken } };
  },
  verify: () => Promise.resolve([]),
});
