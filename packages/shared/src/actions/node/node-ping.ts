import Type from 'typebox';
import { defineAction } from '../define-action.ts';

/** The order that does nothing: proves the whole way there and back. */
export const nodePing = defineAction({
  name: 'node.ping',
  version: 1,
  title: 'Ping the node',
  docs: 'Changes nothing and reads nothing: the node checks the order, journals it and answers with a signed receipt.',
  risk: 'low',
  roles: [],
  needsRoot: false,
  readOnly: true,
  args: Type.Object({}, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 5000,
  programs: [],
  locks: () => [],
  plan: (host) => Promise.resolve({ ok: true, changes: [], notes: [], data: { answeredAt: host.clock.nowMs() } }),
  verify: () => Promise.resolve([]),
});
