import Type from 'typebox';
import { defineAction } from '../define-action.ts';

export const firewallList = defineAction({
  name: 'firewall.list',
  version: 1,
  title: 'List bans',
  docs: 'Answers with all bans of this node (address or prefix, end, reason, since when, packets dropped) and with what is never banned and why. Changes nothing.',
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 30_000,
  programs: ['nft'],
  locks: () => [],
  async plan(host) {
    const bans = await host.firewall.bans();
    const neverBan = await host.firewall.neverBan();
    return { ok: true, changes: [], notes: [`${bans.length} bans.`], data: { bans, neverBan } };
  },
  verify: () => Promise.resolve([]),
});
