/** Boot and reboot of the node itself. */
import { readdir, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import type { NodeQueries, NodeTasks } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, FamilyDrivers } from '../drivers.ts';
import { saidBy } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';

const AT_REST_WITHIN_MS = 300_000;
/** systemd ends us within this, or it does not reboot. */
const GONE_WITHIN_MS = 300_000;

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function bootIdNow(): Promise<string> {
  return ((await readText('/proc/sys/kernel/random/boot_id')) ?? '').trim();
}

/** Numbers within names are compared as numbers: 6.1.0-9 is older than 6.1.0-10. */
const byVersion = new Intl.Collator('en', { numeric: true });

/** Kernels of the running one's flavour (`-amd64`, `-cloud-amd64`): another flavour is not its successor. */
export function newestKernel(running: string, installed: readonly string[]): string {
  const flavour = /-[a-z].*$/.exec(running)?.[0] ?? '';
  const same = installed.filter((name) => (/-[a-z].*$/.exec(name)?.[0] ?? '') === flavour);
  return [running, ...same].toSorted(byVersion.compare).at(-1) ?? running;
}

async function installedKernels(): Promise<readonly string[]> {
  try {
    return (await readdir('/boot'))
      .filter((name) => name.startsWith('vmlinuz-'))
      .map((name) => name.slice('vmlinuz-'.length));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export function createNodeDrivers({
  programs,
  clock,
  receiptKeys,
}: DriverParts): FamilyDrivers<object, NodeTasks, NodeQueries> {
  /** Null: needrestart is not there. `-b`: made to be read by programs; `-r l`: it restarts nothing. */
  const outdatedUnits = async (): Promise<readonly string[] | null> => {
    try {
      const { stdout } = await programs.run('needrestart', ['-b', '-r', 'l'], { timeoutMs: 45_000 });
      return stdout
        .split('\n')
        .flatMap((line) => /^NEEDRESTART-SVC: (\S{1,200})$/.exec(line)?.[1] ?? [])
        .toSorted();
    } catch (error) {
      if (error instanceof HaubanError && error.code === 'PROGRAM_MISSING') return null;
      throw error;
    }
  };

  return {
    resources: {},
    tasks: {
      async 'node.reboot'({ bootId }) {
        if ((await bootIdNow()) !== bootId) return;
        const result = await programs.run('systemctl', ['reboot', '--no-ask-password', '--no-wall']);
        if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `systemd does not reboot: ${saidBy(result)}`);
        await new Promise<void>((resolve) => void clock.after(GONE_WITHIN_MS, resolve));
        throw new HaubanError(
          'PROGRAM_TIMEOUT',
          `the node still runs ${GONE_WITHIN_MS / 60_000} minutes after the reboot was asked for`,
        );
      },
      async 'node.rotate-receipt-key'({ version }) {
        if (receiptKeys.version < version) receiptKeys.rotate();
      },
    },
    queries: {
      'node.receipt-key': async () => ({ version: receiptKeys.version, key: receiptKeys.key().publicText }),
      async 'node.boot'({ atRest }) {
        const runningKernel = release();
        const state = await programs.run('systemctl', ['is-system-running', ...(atRest ? ['--wait'] : [])], {
          timeoutMs: AT_REST_WITHIN_MS,
        });
        const packages = (await readText('/run/reboot-required.pkgs')) ?? '';
        return {
          bootId: await bootIdNow(),
          runningKernel,
          newestKernel: newestKernel(runningKernel, await installedKernels()),
          askedBy: [...new Set(packages.split('\n').filter((name) => /^[a-z0-9][a-z0-9+.-]{1,80}$/.test(name)))].sort(),
          isAsked: (await readText('/run/reboot-required')) !== null,
          outdatedUnits: await outdatedUnits(),
          systemState: state.stdout.trim(),
        };
      },
    },
  };
}
