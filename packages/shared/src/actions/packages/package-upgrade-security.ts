import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import type { PackageUpdate } from './package-host.ts';

const Args = Type.Object(
  {
    leaveOut: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[a-z0-9][a-z0-9+.-]{1,80}$',
          title: 'Package',
          description: 'Such as mariadb-server',
        }),
        { maxItems: 100, title: 'Leave out', description: 'Packages that keep their version' },
      ),
    ),
  },
  { additionalProperties: false },
);
type Args = Type.Static<typeof Args>;

/** What this action would change: security updates, but for those left out. */
const chosenFrom = (updates: readonly PackageUpdate[], { leaveOut = [] }: Args): readonly PackageUpdate[] =>
  updates.filter(({ name, isSecurity }) => isSecurity && !leaveOut.includes(name));

const keyOf = ({ name, architecture }: PackageUpdate): string => `${name}:${architecture}`;

export const packageUpgradeSecurity = defineAction({
  name: 'package.upgrade-security',
  version: 1,
  title: 'Install security updates',
  docs: `Brings packages with a security update to exactly the versions that the plan shows, in one transaction of apt; configuration files that were changed keep their content. It runs in a unit of its own, so it goes on to its end when the executor is stopped. Services are restarted by the packages themselves where Debian does that; node.reboot-required says what is left. Undo puts the versions from before back, as long as the archive or the node's cache still has them.`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 1_800_000,
  programs: ['apt-get', 'dpkg-query', 'systemctl', 'systemd-run'],
  locks: () => ['apt'],
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { updates, listsFrom, broken } = await host.queries.ask('package.updates', {});
      if (broken.length > 0)
        refuse(
          `dpkg has left ${broken.slice(0, 5).join(', ')} half done: put that right on the node first (dpkg --configure -a)`,
        );
      if (listsFrom === null) refuse('the node has no package lists yet: run package.refresh first');
      const chosen = chosenFrom(updates, args).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const others = updates.length - chosen.length;
      if (others > 0) planner.note(`${others} other updates are left alone.`);
      if (chosen.length === 0) return;
      planner.add({
        kind: 'resource',
        resource: 'package.versions',
        id: chosen.map(keyOf).join(','),
        before: { versions: chosen.map(({ from }) => from) },
        after: { versions: chosen.map(({ to }) => to) },
      });
    }),
  async verify(host, args) {
    const { updates, broken } = await host.queries.ask('package.updates', {});
    const left = chosenFrom(updates, args);
    return [
      { name: 'Nothing is left half done', ok: broken.length === 0, saw: broken[0] ?? 'nothing' },
      { name: 'No security update is left', ok: left.length === 0, saw: left[0]?.name ?? 'none' },
    ];
  },
});
