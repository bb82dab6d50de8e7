import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import type { DriverAnswer, DriverRequest } from './driver.ts';
import { expectDone } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const ROOT = '/etc/hauban/actions';

/** In the style of monitoring plugins, as hosters have them. */
const PLUGIN = `#!/bin/sh
used=$(df -P "$2" | awk 'NR==2 { sub("%", "", $5); print $5 }')
[ -n "$used" ] || { echo "UNKNOWN - no such place"; exit 3; }
if [ "$used" -ge "$1" ]; then echo "CRITICAL - $used% used|used=$used%;;$1"; exit 2; fi
echo "OK - $used% used|used=$used%;;$1"
`;

const manifest = (kind: string, user: string, more: string): string =>
  `version = 1\nkind = "${kind}"\ntitle = "Own"\nrisk = "low"\nuser = "${user}"\ntimeout_seconds = 10\n${more}`;

describe.skipIf(!lab.ok)('actions of the hoster, with real programs', () => {
  let node: DisposableNode;
  let actions: ActionNode;

  beforeAll(async () => {
    node = await createDisposableNode({ name: 'custom' });
    actions = await putDriverInto(node);
    await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '755', '/etc/hauban', ROOT]);
  });
  afterAll(() => node.destroy());

  /** Puts an action there and asks for its hash by being refused. */
  async function install(
    name: string,
    files: Readonly<Record<string, string>>,
    allowRoot = false,
  ): Promise<Pick<DriverRequest, 'custom'>> {
    await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '755', `${ROOT}/${name}`]);
    for (const [file, text] of Object.entries(files)) {
      await node.writeFile(`${ROOT}/${name}/${file}`, text);
      await node.mustRun('/usr/bin/chmod', ['755', `${ROOT}/${name}/${file}`]);
    }
    const pin = { name, hash: '0'.repeat(64), allowRoot };
    const refused = await actions.plan(`custom.${name}`, {}, { custom: [pin] });
    const hash = refused.ok ? null : /it is ([0-9a-f]{64})/.exec(refused.detail)?.[1];
    if (typeof hash !== 'string') throw new Error(JSON.stringify(refused));
    return { custom: [{ ...pin, hash }] };
  }

  const refusal = (answer: DriverAnswer): string => (answer.ok ? 'done' : answer.code);

  it('a script in the style of monitoring plugins tells its state and figures, as nobody', async () => {
    const more = `[args.path]\ntype = "string"\npattern = "/[a-z/]*"\ndefault = "/"\n[args.most]\ntype = "integer"\nmin = 0\nmax = 101\n[run]\nprogram = "check.sh"\nargv = ["{most}", "{path}"]\n`;
    const allowed = await install('space', { 'manifest.toml': manifest('check', 'nobody', more), 'check.sh': PLUGIN });
    const look = (args: object) => actions.apply('custom.space', args, allowed);
    expect(expectDone(await look({ most: 101 })).data).toMatchObject({
      state: 'ok',
      perfdata: [expect.stringMatching(/^used=\d+%;;101$/)],
    });
    expect(expectDone(await look({ most: 0 })).data).toMatchObject({ state: 'critical' });
    expect(expectDone(await look({ most: 0, path: '/nowhere' })).data).toMatchObject({ state: 'unknown' });
    expect(refusal(await look({ most: 0, path: '-rf' }))).toBe('ACTION_ARGUMENTS');
  });

  it('a program from elsewhere runs as the user that the manifest names, with no group of root', async () => {
    const more = `[run]\nprogram = "/usr/bin/id"\n`;
    const allowed = await install('who', { 'manifest.toml': manifest('check', 'nobody', more) });
    const { data } = expectDone(await actions.apply('custom.who', {}, allowed));
    expect(data).toMatchObject({
      state: 'ok',
      text: expect.stringMatching(/^uid=65534\(nobody\) gid=65534\S* groups=65534\S*$/),
    });
  });

  it('a change leaves what it says, nothing the second time, and nothing at all when it is undone', async () => {
    const programs = ['run', 'plan', 'verify', 'undo'].map((one) => `[${one}]\nprogram = "${one}.sh"\n`).join('');
    const files = {
      'manifest.toml': manifest('change', 'root', programs),
      'run.sh': '#!/bin/sh\necho hello > /etc/motd.own\n',
      'plan.sh': '#!/bin/sh\n[ -e /etc/motd.own ] && exit 0\necho would write it; exit 2\n',
      'verify.sh': '#!/bin/sh\n[ "$(cat /etc/motd.own)" = hello ]\n',
      'undo.sh': '#!/bin/sh\nrm -f /etc/motd.own\n',
    };
    const notRoot = await install('motd', files);
    expect(refusal(await actions.apply('custom.motd', {}, notRoot))).toBe('CUSTOM_REFUSED');
    const allowed = { custom: notRoot.custom?.map((pin) => ({ ...pin, allowRoot: true })) ?? [] };
    const before = await snapshotNode(node);
    const done = expectDone(await actions.apply('custom.motd', {}, allowed));
    expect(done.notes).toContain('would write it');
    expect(await snapshotNode(node)).not.toEqual(before);
    expect(expectDone(await actions.apply('custom.motd', {}, allowed)).changes).toEqual([]);
    const undone = await actions.call({ ...allowed, mode: 'undo', changes: done.changes });
    expect(undone).toMatchObject({ ok: true, problems: [] });
    expect(await snapshotNode(node)).toEqual(before);
  });

  it('a folder that an account may write: a root cron job runs what the account put there, this node does not', async () => {
    const allowed = await install(
      'job',
      {
        'manifest.toml': manifest('check', 'root', '[run]\nprogram = "job.sh"\n'),
        'job.sh': '#!/bin/sh\nid -u\n',
      },
      true,
    );
    const path = `${ROOT}/job/job.sh`;
    await node.mustRun('/usr/bin/chmod', ['777', `${ROOT}/job`]);
    // The account swaps the script: the folder lets it.
    const swap = `const fs = require('node:fs'); fs.unlinkSync('${path}'); fs.writeFileSync('${path}', '#!/bin/sh\\necho owned by $(id -u)\\n', { mode: 0o755 });`;
    await node.mustRun('/usr/bin/setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      '-e',
      swap,
    ]);
    // The vulnerable control: root runs what lies there, as cron and many agents do.
    expect((await node.mustRun(path, [])).stdout).toBe('owned by 0\n');
    expect(refusal(await actions.apply('custom.job', {}, allowed))).toBe('FILE_UNSAFE');
  });
});
