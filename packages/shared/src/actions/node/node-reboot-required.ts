import Type from 'typebox';
import { defineAction } from '../define-action.ts';

const Args = Type.Object({}, { additionalProperties: false });

export const nodeRebootRequired = defineAction({
  name: 'node.reboot-required',
  version: 1,
  title: 'Is a reboot due?',
  docs: `Says whether the node should be rebooted and why: a package asked for it, a newer kernel is installed than the one that runs; and which services still run what was replaced by an update (with needrestart). Changes nothing.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: true,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['needrestart', 'systemctl'],
  locks: () => [],
  async plan(host) {
    const facts = await host.queries.ask('node.boot', { atRest: false });
    const reasons = [
      ...(facts.isAsked ? [`asked for by ${facts.askedBy.join(', ') || 'a package'}`] : []),
      ...(facts.newestKernel === facts.runningKernel
        ? []
        : [`kernel ${facts.newestKernel} is installed, ${facts.runningKernel} runs`]),
    ];
    const { runningKernel, newestKernel, outdatedUnits } = facts;
    const data = { isRequired: reasons.length > 0, reasons, runningKernel, newestKernel, outdatedUnits };
    return { ok: true, changes: [], notes: [], data };
  },
  verify: () => Promise.resolve([]),
});
