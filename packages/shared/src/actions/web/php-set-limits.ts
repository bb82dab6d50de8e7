import Type, { type Static } from 'typebox';
import type { Change } from '../change.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host, PhpMaster } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { LIMIT_ARGS, loadLimits } from './pool-limits.ts';
import { attempt, verifyMaster, verifyPage } from './verify-steps.ts';
import { loadWebAccount } from './web-account.ts';

const Args = Type.Object({ account: AccountName, ...LIMIT_ARGS }, { additionalProperties: false });
type Args = Static<typeof Args>;

/** What is not named stays as it is. */
function merged(before: layout.PoolLimits, { account: _account, ...named }: Args): layout.PoolLimits {
  return { ...before, ...named };
}

/** PHP drops the whole request when the upload fits its own limit and not that of the request. */
function checkSizes({ uploadMiB, postMiB }: layout.PoolLimits): string | null {
  return uploadMiB !== undefined && postMiB !== undefined && uploadMiB > postMiB
    ? `An upload of ${uploadMiB} MiB does not fit into a request of ${postMiB} MiB: raise the size of a request too.`
    : null;
}

async function planLimits(planner: Planner, args: Args): Promise<void> {
  const { host } = planner;
  if (!(await host.web.isRunning())) refuse('Apache does not run on this node: start it first');
  const { account, uid, currentVersion, webGid } = await loadWebAccount(host, args.account);
  const master = layout.phpMasterOf(account, uid, currentVersion);
  if (!(await host.php.isRunning(master))) refuse(`PHP of ${account} does not run: is the account suspended?`);
  const before = await loadLimits(host, master, webGid);
  const after = merged(before, args);
  const problem = checkSizes(after);
  if (problem !== null) refuse(problem);
  const first = planner.changes.length;
  const [from, to] = [layout.poolConfig(master, webGid, before), layout.poolConfig(master, webGid, after)];
  await planner.rewrite(master.configFile, from, to);
  if (planner.changes.length === first) return;
  const refresh = { account, version: currentVersion, uid };
  const title = `Restart PHP of ${account}; a second one answers meanwhile`;
  // Undone in reverse order: PHP has to be restarted after its file is back.
  planner.task('php.refresh', { ...refresh, isBack: true }, title, 'undo');
  const changes = planner.changes as Change[];
  changes.splice(first, 0, ...changes.splice(-1));
  planner.task('php.refresh', refresh, title);
}

async function verifyLimits(host: Host, master: PhpMaster, limits: layout.PoolLimits): Promise<Verified> {
  const name = 'PHP has these limits';
  return attempt(name, async () => {
    const saw = (await host.php.probe(master)).limits;
    const wrong = Object.entries(layout.limitValues(limits)).filter(([limit, value]) => saw[limit] !== value);
    const text = wrong.map(([limit, value]) => `${limit} is ${saw[limit] ?? 'unknown'}, not ${value}`).join('; ');
    return { name, ok: wrong.length === 0, saw: text || 'all of them' };
  });
}

export const phpSetLimits = defineAction({
  name: 'php.set-limits',
  version: 1,
  title: "Set the limits of an account's PHP",
  docs: `Sets what an account's PHP may use: memory and time of a request, sizes of uploads and forms, processes. What is not named stays as it is. No .user.ini and no ini_set of the account goes beyond. A second PHP of the same version answers while the first one starts anew, so that no request is lost and Apache is not reloaded; at the end PHP itself has to say the new values. The limits go along when the version is switched. Undo brings back the limits of before in the same way.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['bwrap', 'journalctl', 'systemctl'],
  normalise(args) {
    if (Object.keys(args).length < 2) return { ok: false, problem: 'Name at least one limit.' };
    const problem = checkSizes(merged({}, args));
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ account }) => [`account:${account}`],
  plan: (host, args) => planChanges(host, (planner) => planLimits(planner, args)),
  async verify(host, args) {
    const { account, uid, currentVersion, webGid, domains } = await loadWebAccount(host, args.account);
    const master = layout.phpMasterOf(account, uid, currentVersion);
    const now = await loadLimits(host, master, webGid);
    const standby = layout.standbyOf(master);
    const isLeft = await host.php.isRunning(standby);
    const site = { host: domains[0] ?? '', path: '/', port: 80 };
    return [
      await verifyLimits(host, master, merged(now, args)),
      { name: 'The second one is gone', ok: !isLeft, saw: isLeft ? 'it runs' : 'it is' },
      ...(domains.length === 0 ? [] : [...(await verifyMaster(host, master, site)), await verifyPage(host, site)]),
    ];
  },
});
