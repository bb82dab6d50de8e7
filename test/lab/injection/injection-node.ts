import type { CustomPin } from '@hauban/shared/policy';
import { bundleProgram } from '../actions/action-node.ts';
import { standDatabaseNode } from '../actions/database-node.ts';
import { ACCOUNT, expectDone, NEIGHBOUR } from '../actions/hosting-node.ts';
import { mountHomes } from '../actions/storage-node.ts';
import { startApache } from '../apache.ts';
import { makeOrTakeBack } from '../cleanup-list.ts';
import { nodePrograms } from '../programs.ts';
import type { Case } from './cases.ts';
import type { InjectorRequest, Outcome, Vulnerable } from './injector.ts';
import { readTrace, TRACED_CALLS, type TracedCall } from './trace-log.ts';

/** Cases as they went, and every program and file that the tracer saw meanwhile. */
export interface TracedRun {
  readonly outcomes: readonly Outcome[];
  readonly calls: readonly TracedCall[];
}

export interface InjectionNode {
  readonly run: (cases: readonly Case[], vulnerable?: Vulnerable) => Promise<TracedRun>;
  /** Takes it away, and says whether it was there. */
  readonly take: (path: string) => Promise<boolean>;
  readonly destroy: () => Promise<void>;
}

const INJECTOR = '/opt/hauban-driver/injector.mjs';
const TRACE = '/var/tmp/trace';
/** A trace is read whole. */
const MOST_AT_ONCE = 1500;
const REPOSITORY = '/var/backups/restic';
const CUSTOM = '/etc/hauban/actions/echo';
/** Takes any text, as careless ones do. */
const MANIFEST = `version = 1
kind = "check"
title = "Echo"
risk = "low"
user = "nobody"
timeout_seconds = 10
[args.text]
type = "string"
pattern = ".*"
max_length = 1000
[run]
program = "echo.sh"
argv = ["{text}", "--say={text}"]
`;

/**
 * One node with all that drivers look at: Apache, PHP, both kinds of databases, homes on btrfs, a repository of restic, a
 * mailbox, a snapshot of each kind, and an action of the hoster.
 */
export async function standInjectionNode(): Promise<InjectionNode> {
  return makeOrTakeBack(async (cleanup) => {
    const binds = [
      { hostPath: await mountHomes(cleanup, [ACCOUNT.name, NEIGHBOUR.name]), nodePath: '/srv/vol1', writable: true },
    ];
    const { node, actions } = await standDatabaseNode({ name: 'injection', binds });
    cleanup.add(() => node.destroy());
    const apply = async (action: string, args: object): Promise<void> =>
      void expectDone(await actions.apply(action, args));
    await startApache(node);
    await apply('account.create', ACCOUNT);
    await apply('mail.setup', {});
    await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '755', '/etc/hosting/restic', CUSTOM]);
    await node.writeFile('/etc/hosting/restic/repository', REPOSITORY, 0o644);
    await node.writeFile('/etc/hosting/restic/password', 'correct-horse\n', 0o600);
    const where = ['--repository-file=/etc/hosting/restic/repository', '--password-file=/etc/hosting/restic/password'];
    await node.mustRun('/usr/bin/restic', [...where, '--no-cache', 'init']);
    for (const store of ['btrfs', 'restic'])
      await apply('snapshot.create', { name: ACCOUNT.name, store, class: 'manual', label: 'friday' });
    await node.writeFile(`${CUSTOM}/manifest.toml`, MANIFEST);
    await node.writeFile(`${CUSTOM}/echo.sh`, '#!/bin/sh\necho OK\n', 0o755);
    const pin = { name: 'echo', hash: '0'.repeat(64), allowRoot: false };
    const refused = await actions.plan('custom.echo', { text: 'hello' }, { custom: [pin] });
    const hash = refused.ok ? undefined : /it is ([0-9a-f]{64})/.exec(refused.detail)?.[1];
    if (hash === undefined) throw new Error(`the hash of the custom action is not told: ${JSON.stringify(refused)}`);
    const custom: readonly CustomPin[] = [{ ...pin, hash }];
    await node.writeFile(INJECTOR, await bundleProgram(new URL('injector.ts', import.meta.url)));
    const runPart = async (cases: readonly Case[], first: number, vulnerable?: Vulnerable): Promise<TracedRun> => {
      const request: InjectorRequest = { cases, custom, ...(vulnerable === undefined ? {} : { vulnerable }) };
      const tracing = ['-f', '-qq', '-xx', '-y', '-Y', '-s', '4096', '-e', 'signal=none', '--seccomp-bpf'];
      const { stdout } = await node.mustRun(
        nodePrograms.strace.path,
        [...tracing, '-o', TRACE, '-e', `trace=${TRACED_CALLS.join(',')}`, '--', process.execPath, INJECTOR],
        { input: JSON.stringify(request), timeoutMs: 1_800_000, outputCapBytes: 64 * 1024 * 1024 },
      );
      const calls = [...readTrace(await node.readFile(TRACE))];
      // Before its first case and after its last one it is nobody's.
      const caseOf = (at: number): number => (at >= 0 && at < cases.length ? first + at : -1);
      return {
        outcomes: JSON.parse(stdout) as readonly Outcome[],
        calls: calls.map((call) => ({ ...call, case: caseOf(call.case) })),
      };
    };
    return {
      async run(cases, vulnerable) {
        const outcomes: Outcome[] = [];
        const calls: TracedCall[] = [];
        for (let first = 0; first < cases.length; first += MOST_AT_ONCE) {
          const part = await runPart(cases.slice(first, first + MOST_AT_ONCE), first, vulnerable);
          outcomes.push(...part.outcomes);
          for (const call of part.calls) calls.push(call);
        }
        return { outcomes, calls };
      },
      take: async (path) => (await node.run('/usr/bin/rm', ['--', path])).code === 0,
      destroy: cleanup.run,
    };
  });
}
