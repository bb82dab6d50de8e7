import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { publicKeyFrom, systemClock, verifyBytes } from '@hauban/link';
import type { RunDetail, RunRequest, WebhookEvent } from '@hauban/shared/api';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../../../test/support/bundle-program.ts';
import type { DyingConfig } from '../../../../test/support/dying-webhooks.ts';
import { createMemoryRing } from '../../../../test/support/memory-ring.ts';
import { createRunWorld, type RunWorld } from '../../../../test/support/run-world.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import {
  createWebhookReceiver,
  settingsFor,
  type Received,
  type WebhookReceiver,
} from '../../../../test/support/webhook-receiver.ts';
import { createWebhooks } from '../compose-webhooks.ts';
import { createLog } from '../runtime/index.ts';

const HOUR_MS = 3_600_000;
type Sender = ReturnType<typeof createWebhooks>;

let world: RunWorld;
let made: ReturnType<RunWorld['build']>;
let receiver: WebhookReceiver;
/** Nodes that the selector `name=meant` means. */
let meant: string[] = [];
let senders: Sender[] = [];

/** A controller's part of webhooks, its clock so far ahead. */
function createSender(aheadMs = 0, ...receivers: readonly WebhookReceiver[]): Sender {
  const { database, audit, transaction } = world;
  const sender = createWebhooks(
    {
      ...{ audit, transaction, together: database.together, random: new SeededRandom(7), log: createLog('silent') },
      clock: { ...systemClock, nowMs: () => Date.now() + aheadMs },
    },
    database,
    {
      ring: createMemoryRing(),
      settings: settingsFor(receiver, ...receivers),
      resolve: async () => ['127.0.0.1'],
      selectTargets: { resolve: async () => meant.map((id) => ({ id })) },
    },
  );
  senders.push(sender);
  return sender;
}

beforeAll(async () => {
  world = await createRunWorld(2);
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.sql`DELETE FROM webhook`;
  await world.startOver();
  made = world.build();
  meant = [];
  senders = [];
  receiver = await createWebhookReceiver();
});
afterEach(async () => {
  for (const { deliverWebhooks } of senders) await deliverWebhooks.stop();
  await receiver.close();
});

const make = (sender: Sender, events: readonly WebhookEvent[], on?: string, to = receiver) =>
  sender.webhooks.make(
    { name: `w-${randomUUID().slice(0, 8)}`, url: to.url, events: [...events], ...(on === undefined ? {} : { on }) },
    world.requester,
  );
const ping = (more: Partial<RunRequest> = {}): Promise<RunDetail> =>
  made.runs.start(
    { action: 'node.ping', args: {}, nodes: [...world.nodeIds], mode: 'apply', ...more },
    world.requester,
  );
const answerAll = async (): Promise<void> => {
  for (const order of world.takeSent()) await world.answer(made, order);
};
const rows = async (): Promise<Record<string, unknown>[]> =>
  world.sql`SELECT kind, data, state, attempts, claim, id FROM webhook_delivery ORDER BY happened_at, kind`;
const kinds = async (): Promise<unknown[]> => (await rows()).map(({ kind }) => kind);
/** Everything that is due is sent, and what is under way is over. */
const sendAll = async (sender: Sender): Promise<void> => {
  await sender.deliverWebhooks.tick();
  await sender.deliverWebhooks.stop();
};
const bodyOf = ({ body }: Received): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
const bodies = (): Record<string, unknown>[] => receiver.received.map(bodyOf);

describe('what is told of a run', () => {
  it('is written by the transaction that makes it true, and only if somebody asks', async () => {
    await ping({ strategy: 'at-once' });
    await answerAll();
    expect(await rows()).toEqual([]);
    await make(createSender(), ['run.started', 'run.finished']);
    const run = await ping({ strategy: 'at-once', idempotencyKey: 'order-7', reason: 'order 7' });
    expect(await kinds()).toEqual(['run.started']);
    world.clock.advance(1000);
    await answerAll();
    expect(await kinds()).toEqual(['run.started', 'run.finished']);
    const [, { data } = { data: null }] = await rows();
    expect(data).toMatchObject({
      ...{ runId: run.id, action: 'node.ping', state: 'finished', idempotencyKey: 'order-7', reason: 'order 7' },
      ...{ requester: 'olga', nodeCount: 2, counts: { succeeded: 2 } },
    });
    expect(data).not.toHaveProperty('args');
  });

  it('is nothing when the transaction does not come to its commit', async () => {
    await make(createSender(), ['run.failed', 'run.started']);
    const broken = world.transaction(async (tx) => {
      await tx.db.execute('UPDATE run SET finished_at = 1 WHERE finished_at IS NULL');
      throw new RangeError('rolled back');
    });
    await expect(broken).rejects.toThrow('rolled back');
    expect(await rows()).toEqual([]);
  });

  it('is that it failed when one of its orders did, and not that it finished', async () => {
    await make(createSender(), ['run.finished', 'run.failed']);
    await ping({ strategy: 'at-once' });
    const [first] = world.takeSent();
    if (first !== undefined)
      await world.answer(made, first, { outcome: 'failed', code: 'ACTION_FAILED', detail: 'no' });
    const sent = world.sent();
    expect(sent).toEqual([]);
    await made.rollout.tick();
    await world.sql`UPDATE run_target SET state = 'succeeded', finished_at = 1 WHERE finished_at IS NULL`;
    await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
    expect((await rows()).map(({ kind, data }) => [kind, (data as { counts: unknown }).counts])).toEqual([
      ['run.failed', { failed: 1, succeeded: 1 }],
    ]);
  });

  it('is that it waits, when people have to approve it, and that it starts when they did', async () => {
    await make(createSender(), ['run.started', 'run.waiting']);
    world.rights.needed = 1;
    const run = await ping();
    expect(await kinds()).toEqual(['run.waiting']);
    await world.sql`UPDATE run SET approval = '{"targets":[],"approvals":[]}' WHERE id = ${run.id}`;
    expect(new Set(await kinds())).toEqual(new Set(['run.started', 'run.waiting']));
  });

  it('has the address of a ban', async () => {
    await make(createSender(), ['ban.placed', 'ban.lifted']);
    const args = { targets: ['192.0.2.7'], permanent: true };
    await ping({ action: 'firewall.ban', args, strategy: 'at-once' });
    await world.sql`UPDATE run_target SET state = 'succeeded', finished_at = 1 WHERE finished_at IS NULL`;
    await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
    const [{ kind, data } = { kind: null, data: null }] = await rows();
    expect([kind, (data as { args: { targets: string[] } }).args.targets]).toEqual(['ban.placed', ['192.0.2.7']]);
  });
});

describe('what is told of a node', () => {
  const link = (at: number | null) =>
    world.sql`UPDATE node SET connected_at = ${at} WHERE id = ${world.nodeIds[0] ?? ''}`;

  it('is that it is offline after a minute, and nothing when it is back before', async () => {
    await link(1);
    await make(createSender(), ['node.offline', 'node.online']);
    await link(null);
    await link(2);
    expect(await rows()).toEqual([]);
    await link(null);
    await sendAll(createSender());
    expect(receiver.received).toEqual([]);
    await sendAll(createSender(61_000));
    expect(bodies()).toMatchObject([{ type: 'node.offline', data: { nodeId: world.nodeIds[0] } }]);
    await link(3);
    await sendAll(createSender(61_000));
    expect(bodies().map(({ type }) => type)).toEqual(['node.offline', 'node.online']);
  });

  it('is nothing that the selector does not mean', async () => {
    await link(null);
    const about = await make(createSender(), ['node.online', 'run.started'], 'name=meant');
    await link(1);
    await ping({ nodes: [world.nodeIds[0] ?? ''] });
    await sendAll(createSender());
    expect([receiver.received, await rows()]).toEqual([[], []]);
    meant = [world.nodeIds[1] ?? ''];
    await ping({ nodes: [world.nodeIds[1] ?? ''] });
    await sendAll(createSender());
    expect(bodies().map(({ type }) => type)).toEqual(['run.started']);
    expect(about.on).toBe('name=meant');
  });
});

describe('a delivery', () => {
  it('is signed over these bytes, this time, this receiver and this id', async () => {
    const sender = createSender();
    await sender.webhookKeys.look();
    const { id } = await make(sender, ['run.started']);
    await ping();
    await sendAll(sender);
    const [one] = receiver.received;
    const signature = String(one?.headers['hauban-signature']);
    const [head = '', between, tail = ''] = signature.split('.');
    const [shown] = (await sender.webhookKeys.shown()).keys;
    const key = publicKeyFrom(shown?.x ?? '');
    const isSigned = (body: string): boolean =>
      key !== null &&
      verifyBytes(
        key,
        Buffer.from(`${head}.${Buffer.from(body).toString('base64url')}`),
        Buffer.from(tail, 'base64url'),
      );
    const body = one?.body ?? '';
    expect([isSigned(body), isSigned(`${body} `)]).toEqual([true, false]);
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    expect(header['kid']).toBe(shown?.kid);
    expect([between, header]).toMatchObject(['', { alg: 'EdDSA', typ: 'hauban-webhook+jws', aud: receiver.url }]);
    expect(header['jti']).toBe(bodies()[0]?.['id']);
    expect(Math.abs(Number(header['iat']) - Date.now() / 1000)).toBeLessThan(60);
    expect((await sender.webhooks.get(id)).lastDeliveredAt).not.toBeNull();
  });

  it('goes out once, though two controllers look at the same moment', async () => {
    const both = [createSender(), createSender()];
    await make(createSender(), ['run.started']);
    for (let n = 0; n < 12; n += 1) await ping();
    await Promise.all(both.map(({ deliverWebhooks }) => deliverWebhooks.tick()));
    for (let n = 0; n < 4; n += 1) for (const sender of both) await sendAll(sender);
    const ids = bodies().map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([12, 12]);
  });

  it('comes again with the same id when the controller dies by SIGKILL before it was recorded', async () => {
    await make(createSender(), ['run.started']);
    await ping();
    const program = await bundleProgram('support/dying-webhooks.ts');
    try {
      const child = spawn(process.execPath, [program], {
        ...{ cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], timeout: 60_000 },
      });
      const ended = once(child, 'exit');
      child.send({ databaseUrl: world.url, settings: settingsFor(receiver) } satisfies DyingConfig);
      expect(await ended).toEqual([null, 'SIGKILL']);
    } finally {
      await rm(program);
    }
    expect(receiver.received).toHaveLength(1);
    // What it has taken is its own for a while: nobody sends what it may be sending.
    await sendAll(createSender());
    expect(receiver.received).toHaveLength(1);
    await sendAll(createSender(31_000));
    const [before, after] = bodies();
    expect(after).toEqual(before);
    expect(await rows()).toMatchObject([{ state: 'delivered', attempts: 2 }]);
  });

  it('is not recorded by who was away while somebody else took it over', async () => {
    const [slow, quick] = [createSender(), createSender(31_000)];
    await make(slow, ['run.started']);
    await ping();
    let release = (): void => undefined;
    receiver.answer = (response) => void (release = () => void response.writeHead(500).end());
    await slow.deliverWebhooks.tick();
    await waitFor('the first attempt', () => receiver.received.length === 1);
    receiver.answer = (response) => void response.writeHead(204).end();
    await sendAll(quick);
    release();
    await slow.deliverWebhooks.stop();
    expect(await rows()).toMatchObject([{ state: 'delivered', attempts: 2 }]);
  });

  it('is tried again later and later, given up after a day, and sent again by a person', async () => {
    receiver.answer = (response) => void response.writeHead(503).end('<b>');
    const sender = createSender();
    const hook = await make(sender, ['run.started']);
    await ping();
    await sendAll(sender);
    const { deliveries } = await sender.webhooks.deliveries(hook.id, {});
    expect(deliveries).toMatchObject([{ state: 'due', attempts: 1, status: 503, says: 'Answered 503.' }]);
    const waits: number[] = [];
    let aheadMs = 0;
    for (let n = 0; n < 12; n += 1) {
      const [delivery] = (await sender.webhooks.deliveries(hook.id, {})).deliveries;
      const next = (delivery?.nextAt ?? 0) - Date.now() + 50;
      waits.push(next - aheadMs);
      aheadMs = next;
      await sendAll(createSender(aheadMs));
    }
    expect(waits.at(-1)).toBeGreaterThan(HOUR_MS / 2 - 1000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(HOUR_MS + 1000);
    const late = createSender(25 * HOUR_MS);
    const tried = receiver.received.length;
    await sendAll(late);
    await late.deliverWebhooks.tidy();
    expect([await rows(), receiver.received.length]).toMatchObject([[{ state: 'dead' }], tried]);
    expect(await world.sql`SELECT detail::jsonb->>'name' AS name FROM audit_entry WHERE code = 'A3054W'`).toEqual([
      { name: hook.name },
    ]);
    receiver.answer = (response) => void response.writeHead(204).end();
    expect(await sender.webhooks.redeliver(hook.id, null, world.requester)).toEqual({ count: 1 });
    await sendAll(sender);
    expect([await rows(), bodies().at(-1)?.['id']]).toMatchObject([[{ state: 'delivered' }], bodies()[0]?.['id']]);
  });

  it('to a receiver that is slow or dead costs another receiver nothing', async () => {
    const dead = await createWebhookReceiver('localhost', receiver.certificate);
    try {
      dead.answer = () => undefined;
      const sender = createSender(0, dead);
      await make(sender, ['run.started'], undefined, dead);
      await make(sender, ['run.started']);
      for (let n = 0; n < 8; n += 1) await ping();
      // The dead one's attempts stay under way all the while.
      await waitFor('all eight', async () => {
        await sender.deliverWebhooks.tick();
        return receiver.received.length === 8;
      });
      expect(dead.connections).toBeLessThanOrEqual(4);
    } finally {
      await dead.close();
    }
  });

  it('of a test goes out at once, and once', async () => {
    const sender = createSender();
    const { id } = await make(sender, ['run.failed']);
    expect(await sender.webhooks.test(id, world.requester)).toMatchObject({ state: 'delivered', status: 204 });
    receiver.answer = (response) => void response.writeHead(500).end();
    expect(await sender.webhooks.test(id, world.requester)).toMatchObject({ state: 'dead', says: 'Answered 500.' });
    await sendAll(createSender(60_000));
    expect(bodies().map(({ type }) => type)).toEqual(['webhook.test', 'webhook.test']);
  });

  it('goes with its webhook, and is listed page by page', async () => {
    const sender = createSender();
    const { id } = await make(sender, ['run.started']);
    for (let n = 0; n < 5; n += 1) await ping();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await sender.webhooks.deliveries(id, { limit: 2, ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.deliveries.map((delivery) => delivery.id));
      ({ cursor } = page);
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(5);
    await expect(sender.webhooks.deliveries(id, { cursor: "' OR 1=1" })).rejects.toThrow('cursor');
    await sender.webhooks.remove(id, world.requester);
    expect(await rows()).toEqual([]);
    await expect(sender.webhooks.get(id)).rejects.toThrow('no webhook');
  });

  it('is forgotten a week after it went through, and a month after it was given up', async () => {
    const sender = createSender();
    await make(sender, ['run.started']);
    await ping();
    await sendAll(sender);
    await createSender(6 * 24 * HOUR_MS).deliverWebhooks.tidy();
    expect(await rows()).toHaveLength(1);
    await createSender(8 * 24 * HOUR_MS).deliverWebhooks.tidy();
    expect(await rows()).toEqual([]);
  });
});

describe('a webhook', () => {
  it('is refused twice under one name, for a receiver inside, and for a selector that cannot be read', async () => {
    const sender = createSender();
    const { name } = await make(sender, ['run.failed']);
    const again = (more: object) =>
      sender.webhooks.make({ name: 'other', url: receiver.url, events: ['run.failed'], ...more }, world.requester);
    await expect(again({ name })).rejects.toThrow('already');
    await expect(again({ url: 'https://169.254.169.254:443/' })).rejects.toThrow('metadata');
    await expect(again({ on: 'role=' })).rejects.toThrow(/BAD_REQUEST/);
  });

  it('leaves the path of its receiver, which may be a secret, out of the audit log', async () => {
    const sender = createSender();
    const { id } = await make(sender, ['run.failed']);
    await sender.webhooks.remove(id, world.requester);
    const told = await world.sql`SELECT detail FROM audit_entry WHERE code IN ('A3050I', 'A3051W')`;
    expect(told.length).toBeGreaterThan(1);
    expect(JSON.stringify(told)).not.toContain('key=1');
  });
});
