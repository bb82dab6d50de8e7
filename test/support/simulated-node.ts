import { createKeyPair, orderHash, parseJoinToken, signReceipt, systemClock, systemRandom } from '@hauban/link';
import { ACTIONS, applyChanges, parseActionArguments } from '@hauban/shared/actions';
import type { ActionOrder, Receipt } from '@hauban/shared/protocol';
import { createFakeHost, type FakeHost } from '@hauban/shared/testing';
import { askEnrolment } from '../../packages/agent/src/enrol/ask-enrolment.ts';
import { createWebSocketDial } from '../../packages/agent/src/link/index.ts';
import { FakeAgent, fixedKey } from './fake-agent.ts';

/**
 * A node of a real controller, many to a process: the agent's own enrolment and link, and the real actions on a machine
 * in memory. What it leaves out is the executor's check of the order.
 */
export interface SimulatedNode {
  readonly nodeId: string;
  readonly host: FakeHost;
  stop(): Promise<void>;
}

const orderOf = (jws: string): ActionOrder =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ActionOrder;

type Outcome = Pick<Receipt, 'outcome' | 'code' | 'detail' | 'verification' | 'data'>;

async function carryOut(host: FakeHost, { action: name, args, mode }: ActionOrder): Promise<Outcome> {
  const none = { code: null, detail: '', verification: [], data: null } as const;
  const action = ACTIONS.get(name);
  const parsed = action === undefined ? null : parseActionArguments(action, args);
  if (action === undefined || parsed?.ok !== true)
    return { ...none, outcome: 'refused', code: 'ACTION_UNKNOWN', detail: name };
  const planned = await action.plan(host, parsed.args);
  if (!planned.ok) return { ...none, outcome: 'refused', code: planned.code, detail: planned.detail };
  const data = planned.data ?? null;
  if (mode === 'plan' || planned.changes.length === 0)
    return { ...none, outcome: action.readOnly ? 'succeeded' : 'unchanged', data: data as Receipt['data'] };
  await applyChanges(host, planned.changes);
  const verified = await action.verify(host, parsed.args, planned.changes);
  const verification = verified.map((one) => ({ ...one, ok: one.ok ? (1 as const) : (0 as const) }));
  return { ...none, outcome: 'succeeded', verification, data: data as Receipt['data'] };
}

export async function startSimulatedNode(to: {
  readonly url: string;
  readonly token: string;
  readonly hostName: string;
}): Promise<SimulatedNode> {
  const token = parseJoinToken(to.token);
  if (!token.ok) throw new Error(token.problem);
  const [key, receiptKey, host] = [createKeyPair(), createKeyPair(), createFakeHost()];
  const about = { hostName: to.hostName, agentVersion: '0.1.0', os: 'Debian 12' };
  const answer = await askEnrolment({
    ...about,
    dial: createWebSocketDial(null),
    clock: systemClock,
    random: systemRandom,
    url: to.url,
    token: token.value,
    linkKey: key,
    receiptKey,
  });
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  const { nodeId, controllerId, controllerKey, authorityKeys } = answer.enrolled;
  const controller = {
    url: to.url,
    identity: { controllerId, key: { publicText: controllerKey } },
    state: { authority: { publicText: authorityKeys[0]?.key ?? '' } },
    addNode: () => nodeId,
  };
  const madeAtMs = systemClock.nowMs();
  const keys = { ...fixedKey(key, systemClock), madeAtMs: () => madeAtMs };
  const agent = await FakeAgent.start(controller, { key, keys, nodeId, hostName: to.hostName, random: systemRandom });
  const { executor } = agent;
  if (executor === null) throw new Error('an executor was asked for');
  const answerOrder = async (jws: string): Promise<void> => {
    const order = orderOf(jws);
    executor.send({ t: 'taken', order: order.id });
    const startedAt = Date.now();
    const outcome = await carryOut(host, order);
    const receipt: Receipt = {
      v: 1,
      order: order.id,
      orderHash: orderHash(jws),
      node: order.aud,
      kind: 'action',
      mode: order.mode,
      plan: null,
      startedAt,
      finishedAt: Date.now(),
      ...outcome,
    };
    executor.send({ t: 'receipt', jws: await signReceipt(receipt, receiptKey) });
  };
  executor.heard = (message) => {
    if (message.t === 'order') void answerOrder(message.jws);
  };
  return { nodeId, host, stop: () => agent.stop() };
}
