import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';

const Args = Type.Object(
  {
    onlyIfRequired: Type.Optional(
      Type.Boolean({
        title: 'Only when it is due',
        description: 'Nothing is done when no package asked for a reboot and the newest kernel runs',
      }),
    ),
  },
  { additionalProperties: false },
);

export const nodeReboot = defineAction({
  name: 'node.reboot',
  version: 1,
  title: 'Reboot the node',
  docs: `Reboots the node and proves its return: the order ends when the executor is back in another boot and systemd has come to rest. Until then its state is "started". Everybody who is served by the node is cut off for that time, so drain it first. There is nothing to undo.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 900_000,
  programs: ['needrestart', 'systemctl'],
  locks: () => ['apt', 'reboot'],
  plan: (host, { onlyIfRequired }) =>
    planChanges(host, async (planner) => {
      const { bootId, isAsked, newestKernel, runningKernel, systemState } = await host.queries.ask('node.boot', {
        atRest: false,
      });
      if (onlyIfRequired === true && !isAsked && newestKernel === runningKernel) return;
      if (systemState === 'starting' || systemState === 'stopping')
        refuse(`the node is ${systemState} already: wait until that is over`);
      planner.task('node.reboot', { bootId }, 'Reboot');
    }),
  async verify(host, _args, changes) {
    const before = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'node.reboot' && 'bootId' in change.args ? [change.args.bootId] : [],
    )[0];
    if (before === undefined) return [];
    const { bootId, runningKernel, systemState } = await host.queries.ask('node.boot', { atRest: true });
    const isBack = bootId !== before;
    return [
      {
        name: 'Another boot',
        ok: isBack,
        saw: isBack ? `booted with kernel ${runningKernel}` : 'still the boot from before',
      },
      { name: 'systemd has come to rest', ok: /^(?:running|degraded)$/.test(systemState), saw: systemState },
    ];
  },
});
