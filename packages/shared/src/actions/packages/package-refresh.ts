import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';

const Args = Type.Object({}, { additionalProperties: false });

export const packageRefresh = defineAction({
  name: 'package.refresh',
  version: 1,
  title: 'Refresh the package lists',
  docs: `Fetches the lists of packages from the places that the node is set to (apt-get update). No package is changed. Fails when one of the places does not answer: a list that is old without anybody knowing is worse than none.`,
  risk: 'low',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['apt-get', 'dpkg-query', 'systemctl', 'systemd-run'],
  locks: () => ['apt'],
  plan: (host) =>
    planChanges(host, (planner) => {
      planner.task('package.refresh', {}, 'Fetch the package lists');
      return Promise.resolve();
    }),
  async verify(host) {
    const { listsFrom } = await host.queries.ask('package.updates', {});
    const ageMs = listsFrom === null ? null : host.clock.nowMs() - listsFrom;
    const isNew = ageMs !== null && ageMs < 600_000;
    return [
      {
        name: 'The lists are new',
        ok: isNew,
        saw: ageMs === null ? 'there are none' : `${Math.round(ageMs / 1000)} s old`,
      },
    ];
  },
});
