import { spawn, type ChildProcess } from 'node:child_process';
import { bundleProgram } from './bundle-program.ts';

/** What a subcommand of the agent printed and how it ended. */
export interface AgentRun {
  readonly status: number | null;
  readonly output: string;
}

let bundled: Promise<string> | null = null;

/** The agent's program, bundled from source once a test file. */
const agentProgram = (): Promise<string> => (bundled ??= bundleProgram('../packages/agent/src/main.ts'));

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** Starts the real program, `hauban-agent <args>`. The caller ends it. */
export async function startAgentProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  return spawn(process.execPath, [await agentProgram(), ...args], {
    cwd: '/',
    env: { ...ENV, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs it to its end. */
export async function runAgentProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<AgentRun> {
  const child = await startAgentProgram(args, env);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output };
}
