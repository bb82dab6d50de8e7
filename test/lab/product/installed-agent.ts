import { basename, join } from 'node:path';
import type { NodeDetail, NodePage } from '@hauban/shared/api';
import type { RestClient } from '../../support/first-account.ts';
import type { FullNode } from '../full-node.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { mustRunProgram, waitUntil } from '../program.ts';

const LAB_ACTIONS = ['node.ping', 'account.create', 'php.switch-version', 'apache.reload', 'firewall.*'];

/** What a hoster's administrator writes into a new node's policy file before using it. */
const labPolicy = (actions: readonly string[]): string => `version = 1

[[allow]]
actions = ${JSON.stringify(actions)}

[shell]
users = ["root", "deploy", "www-data"]
max_minutes = 60
grace_seconds = 120
record_input = false

[firewall]
never_ban = ["10.213.255.0/24"]
`;

/** Where a user would copy the archive to. */
const downloads = '/var/tmp';
const nodeInside = '/usr/local/bin/node';

/** Builds the archive that a user copies to a node; gives its path on this machine. */
export async function packageAgent(): Promise<string> {
  const script = join(findRepositoryFolder(), 'scripts/package-agent.mjs');
  const { stdout } = await mustRunProgram(process.execPath, [script], { timeoutMs: 300_000 });
  const archive = stdout.trim().split('\n').at(-1) ?? '';
  if (!archive.endsWith('.tar.gz')) throw new Error(`package-agent.mjs named no archive: ${stdout}`);
  return archive;
}

/** Copies the archive into the node and unpacks it; gives the folder with the installer. */
export async function unpackAgent(node: FullNode, archive: string): Promise<string> {
  await node.copyIn(archive, `${downloads}/${basename(archive)}`);
  await node.mustRun('/usr/bin/tar', ['-xzf', `${downloads}/${basename(archive)}`, '-C', downloads, '--no-same-owner']);
  return `${downloads}/${basename(archive, '.tar.gz')}`;
}

/** Installs the agent the way docs/install.md says and writes its policy: the usual actions, and `more`. */
export async function installAgent(
  node: FullNode,
  archive: string,
  to: { readonly linkUrl: string; readonly token: string },
  more: readonly string[] = [],
): Promise<void> {
  const folder = await unpackAgent(node, archive);
  await node.mustRun(nodeInside, [`${folder}/install.mjs`, '--url', to.linkUrl, '--token', to.token]);
  await node.writeFile('/etc/hauban/policy.toml', labPolicy([...LAB_ACTIONS, ...more]), 0o644);
}

/** A node as the controller sees it, once it is in that state. */
export async function waitForNode(
  client: RestClient,
  hostName: string,
  state: NodeDetail['state'],
): Promise<NodeDetail> {
  return await waitUntil(
    `${hostName} ${state}`,
    async () => {
      const { nodes } = await client.call<NodePage>('GET', `/api/nodes?search=${hostName}`);
      const row = nodes.find((node) => node.hostName === hostName && node.state === state);
      return row === undefined ? null : await client.call<NodeDetail>('GET', `/api/nodes/${row.id}`);
    },
    { timeoutMs: 90_000, intervalMs: 200 },
  );
}
