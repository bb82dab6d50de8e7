import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';
import { systemClock, systemRandom } from '@hauban/link';
import { createWebSocketDial } from '../link/dial.ts';
import { findUser, osName, readText } from '../store/enrolment-files.ts';
import { enrolNode, type EnrolPaths } from './enrol-node.ts';

export interface EnrolCall {
  readonly args: readonly string[];
  readonly paths: EnrolPaths;
  readonly agentVersion: string;
  /** The installed agent run by root: its link process is the user `hauban`. */
  readonly isInstalled: boolean;
  print(line: string): void;
}

/** `hauban-agent enrol`. @returns whether the node is enrolled; HaubanError CONFIG_BAD for a wrong command line */
export async function runEnrol(call: EnrolCall): Promise<boolean> {
  const { url, token, ca, force } = parseFlags(call.args);
  const outcome = await enrolNode({
    paths: call.paths,
    clock: systemClock,
    random: systemRandom,
    dialWith: createWebSocketDial,
    url,
    token,
    ca: ca === undefined ? null : readText(ca),
    isForced: force,
    hostName: hostname(),
    agentVersion: call.agentVersion,
    os: osName('/etc/os-release'),
    linkOwner: call.isInstalled && process.getuid?.() === 0 ? findUser('hauban', '/etc/passwd') : null,
  });
  if (!outcome.ok) {
    call.print(`${outcome.code}: ${outcome.detail}`);
    return false;
  }
  call.print(outcome.isResumed ? 'An interrupted enrolment was brought to its end.' : 'This node is enrolled.');
  call.print(`Node ${outcome.nodeId}; trust in ${call.paths.trustFile}.`);
  if (outcome.hasNewPolicy) call.print(`Everything is refused until you allow it in ${call.paths.policyFile}.`);
  return true;
}

interface EnrolFlags {
  readonly url: string;
  readonly token: string;
  readonly ca: string | undefined;
  readonly force: boolean;
}

function parseFlags(args: readonly string[]): EnrolFlags {
  const options = {
    url: { type: 'string' },
    token: { type: 'string' },
    ca: { type: 'string' },
    force: { type: 'boolean' },
  } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options, allowPositionals: false }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new HaubanError('CONFIG_BAD', `enrol: ${error.message}`, { cause: error });
  }
  const { url, token } = values;
  if (url === undefined || token === undefined)
    throw new HaubanError('CONFIG_BAD', 'enrol needs --url and --token, both as the controller shows them.');
  return { url, token, ca: values.ca, force: values.force === true };
}
