import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyPair, loadKeyPair, planHash } from '@hauban/link';
import type { Receipt } from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { afterEach, expect, it } from 'vitest';
import { approveOrder, createPerson, firstBundle, nextBundle, sealBundle } from '../support/approving-people.ts';
import { AUTHORITY_KID, createExecutorNode, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';
import { ATTACKS, type Forgery, type Loot } from '../support/forged-orders.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Orders, permits and bundles that are forged, altered, replayed, reflected, re-targeted or stale, thrown at the real
 * executor, which is killed and started again in between. None is accepted and each refusal has the code of its attack.
 * `HAUBAN_REDTEAM=full` throws 10,000; `FUZZ_SEED` repeats a run.
 */
const COUNT = process.env['HAUBAN_REDTEAM'] === 'full' ? 10_000 : 500;
const ROUNDS = 10;
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(1, 2 ** 31));
const POLICY = `version = 1
[[allow]]
actions = ["files.write", "files.write-risky"]
[shell]
users = ["root"]
grace_seconds = 60
`;

let node: ExecutorNode | null = null;
afterEach(async () => {
  await node?.cleanUp();
  node = null;
});

const decode = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Receipt;

/** A fleet in use: two versions of the bundle, and orders that were carried out. */
async function prepare(one: ExecutorNode, link: LinkSide): Promise<Loot> {
  const owners = [createPerson('Ada', true), createPerson('Bo', true, -8)] as const;
  const operator = createPerson('Cy', false, -257);
  const needs = { high: 2, rootShell: 2, shell: 2 };
  const first = firstBundle(one.controllerId, [...owners, operator], { needs });
  const second = nextBundle(first, { operators: owners.map((person) => person.operator) });
  const by = { authority: one.authority, kid: AUTHORITY_KID };
  link.send({ t: 'bundles', items: [await sealBundle(first, by), await sealBundle(second, by, owners)] });
  await link.next('facts', ({ bundle }) => bundle === 2);
  const lasts = { exp: Date.now() + 3_600_000 };
  const done = {
    plain: one.actionOrder(),
    approved: approveOrder(one.actionOrder({ ...lasts, action: 'files.write-risky', planHash: planHash([]) }), owners),
    permit: approveOrder(one.shellOrder(lasts), owners),
  };
  const receipt = await one.run(link, done.plain);
  expect(receipt.outcome).toBe('succeeded');
  expect(await one.run(link, done.approved)).toMatchObject({ outcome: 'unchanged' });
  expect(await one.run(link, done.permit)).toMatchObject({ outcome: 'succeeded' });
  const receiptKey = loadKeyPair(one.config.paths.receiptKeyFile);
  if (receiptKey === null) throw new Error('no receipt key');
  return {
    random: new SeededRandom(seed),
    authority: one.authority,
    receiptKey,
    strangerKey: createKeyPair(),
    owners,
    operator,
    stranger: createPerson('Eve', true),
    bundles: [first, second],
    done,
    receipt,
    freshOrder: (change) => one.actionOrder(change),
    freshPermit: (change) => one.shellOrder(change),
  };
}

interface Logged {
  readonly order?: string | null;
  readonly code: string;
}

/** Refusals in the order in which they were logged; the last line may still be under way. */
function loggedRefusals(log: string, sentence: string): Logged[] {
  return log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith(sentence))
    .map((line) => JSON.parse(line.slice(sentence.length)) as Logged);
}

/** The last receipt for each order: the id of an order that was done is refused more than once. */
function receiptsIn(link: LinkSide): ReadonlyMap<string, Receipt> {
  const receipts = new Map<string, Receipt>();
  for (const message of link.messages) {
    if (message.t !== 'receipt') continue;
    const receipt = decode(message.jws);
    receipts.set(receipt.order, receipt);
  }
  return receipts;
}

interface Tried {
  readonly name: string;
  readonly forgery: Forgery;
}

/** Sends them all at once; resolves when each is refused, with what was wrong with the refusals. */
async function tryAll(one: ExecutorNode, link: LinkSide, tried: readonly Tried[]): Promise<string[]> {
  const before = one.log().length;
  for (const { forgery } of tried) {
    if (forgery.kind === 'order') link.send({ t: 'order', jws: forgery.jws });
    else link.send({ t: 'bundles', items: [forgery.signed] });
  }
  const ids = new Set(
    tried.flatMap(({ forgery }) => (forgery.kind === 'order' && forgery.id !== null ? [forgery.id] : [])),
  );
  const bundleCount = tried.filter(({ forgery }) => forgery.kind === 'bundle').length;
  const refusals = await waitFor(
    'every refusal',
    () => {
      const orders = loggedRefusals(one.log().slice(before), 'order refused ');
      const bundles = loggedRefusals(one.log().slice(before), 'policy bundle refused ');
      if (orders.length + bundles.length < tried.length || bundles.length < bundleCount) return null;
      const receipts = receiptsIn(link);
      return [...ids].every((id) => receipts.has(id)) ? { orders, bundles, receipts } : null;
    },
    { intervalMs: 20, timeoutMs: 60_000 },
  );
  const nameless = refusals.orders.filter(({ order }) => order === undefined || order === null || !ids.has(order));
  const strictFirst = tried.toSorted((one, other) => one.forgery.codes.length - other.forgery.codes.length);
  return strictFirst.flatMap(({ name, forgery }) => {
    const said = codeSaid(forgery, refusals.receipts, forgery.kind === 'bundle' ? refusals.bundles : nameless);
    return forgery.codes.includes(said) ? [] : [`${name}: ${said}, not ${forgery.codes.join(' or ')}`];
  });
}

/** @param logged the refusals of bundles, or of orders that nobody could be told about; the one that fits is taken away */
function codeSaid(forgery: Forgery, receipts: ReadonlyMap<string, Receipt>, logged: Logged[]): string {
  if (forgery.kind === 'order' && forgery.id !== null) return receipts.get(forgery.id)?.code ?? 'no code';
  // Orders are judged side by side, so which of the nameless ones was first is not known.
  const at = logged.findIndex(({ code }) => forgery.codes.includes(code));
  return logged.splice(Math.max(at, 0), 1)[0]?.code ?? 'no refusal';
}

async function forge(loot: Loot, count: number, first: number): Promise<Tried[]> {
  const tried: Tried[] = [];
  for (let index = 0; index < count; index += 1) {
    // Every attack at least once in each run, then at random.
    const at = first + index < ATTACKS.length ? first + index : loot.random.below(ATTACKS.length);
    const [name, attack] = ATTACKS[at] ?? ATTACKS[0] ?? [];
    if (name !== undefined && attack !== undefined) tried.push({ name, forgery: await attack(loot) });
  }
  return tried;
}

it(
  `ORDER1 ORDER2 BUNDLE4 APPROVE2 APPROVE4 none of ${COUNT} forged orders and bundles is accepted, seed ${seed}`,
  { timeout: 1_200_000 },
  async () => {
    process.stdout.write(`forged orders: ${COUNT}, seed ${seed} (FUZZ_SEED repeats it)\n`);
    node = await createExecutorNode();
    node.writePolicy(POLICY);
    await node.start();
    let link = await node.connect();
    const loot = await prepare(node, link);
    const effects = node.effects();
    const bundleFile = join(node.config.paths.executorDir, 'bundle.json');
    const held = readFileSync(bundleFile, 'utf8');
    const wrong: string[] = [];
    const size = COUNT / ROUNDS;
    for (let round = 0; round < ROUNDS; round += 1) {
      link.close();
      await node.kill();
      await node.start();
      link = await node.connect();
      for (let at = 0; at < size; at += 250)
        wrong.push(...(await tryAll(node, link, await forge(loot, Math.min(250, size - at), round * size + at))));
      // What may come besides: the recording of the shell that was opened before.
      const began = link.messages.filter(({ t }) => t === 'taken' || t === 'progress' || t === 'shell.started');
      expect(began).toEqual([]);
      expect([...receiptsIn(link).values()].filter(({ outcome }) => outcome === 'succeeded')).toEqual([]);
    }
    expect(wrong).toEqual([]);
    expect(node.effects()).toEqual(effects);
    expect(readFileSync(bundleFile, 'utf8')).toBe(held);
    // The node still obeys whom it should.
    expect(await node.run(link, node.actionOrder({ args: { set: 'last', count: 1, content: 'x' } }))).toMatchObject({
      outcome: 'succeeded',
    });
    link.close();
  },
);
