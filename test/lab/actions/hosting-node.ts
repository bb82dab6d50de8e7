import { startApache, type LabNode } from '../apache.ts';
import { createDisposableNode, type DisposableNode, type DisposableNodeOptions } from '../disposable-node.ts';
import { requestHttp } from '../http-request.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import type { DriverAnswer } from './driver.ts';

/** A disposable node with Apache running and the driver in it. */
export interface HostingNode {
  readonly node: DisposableNode;
  readonly actions: ActionNode;
}

export async function standHostingNode(options: DisposableNodeOptions): Promise<HostingNode> {
  const node = await createDisposableNode(options);
  try {
    await startApache(node);
    return { node, actions: await putDriverInto(node) };
  } catch (error) {
    await node.destroy();
    throw error;
  }
}

export const ACCOUNT = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 } as const;
export const NEIGHBOUR = { name: 'w4a100011', domain: 'b.example.net', phpVersion: '8.2', uid: 100_011 } as const;

type Done = Extract<DriverAnswer, { ok: true }>;

/** The answer of an action that has to succeed, every look of its verify included. */
export function expectDone(answer: DriverAnswer): Done {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail} ${JSON.stringify(answer.problems)}`);
  const failed = answer.verified.filter((check) => !check.ok);
  if (failed.length > 0) throw new Error(`verify: ${JSON.stringify(failed)}`);
  return answer;
}

/** The page of a site as this node's own Apache serves it. */
export async function fetchPage(node: LabNode, domain: string, path = '/'): Promise<{ status: number; body: string }> {
  const reply = await requestHttp(node, { url: `http://127.0.0.1${path}`, host: domain, timeoutMs: 20_000 });
  if (reply.kind !== 'response') throw new Error(`${domain}${path}: ${reply.kind} ${reply.detail}`);
  return { status: reply.status, body: reply.body };
}

/** Puts a file into an account's document root, as the account would. */
export async function putPage(
  node: LabNode,
  account: { readonly name: string; readonly uid: number },
  name: string,
  content: string,
  mode = '0644',
): Promise<void> {
  const path = `/srv/vol1/${account.name}/var/www/${name}`;
  await node.writeFile(path, content);
  await node.mustRun('/usr/bin/chown', [`${account.uid}:${account.uid}`, path]);
  await node.mustRun('/usr/bin/chmod', [mode, path]);
}
