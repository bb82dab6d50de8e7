import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionOrder, Bundle, Receipt } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPerson, firstBundle, sealBundle, type Person } from '../support/approving-people.ts';
import {
  AUTHORITY_KID,
  createExecutorNode,
  OPEN_POLICY,
  type ExecutorNode,
  type LinkSide,
} from '../support/executor-harness.ts';
import { readCustomFolder } from '../../packages/agent/src/host/custom/custom-folder.ts';

let node: ExecutorNode;
let link: LinkSide;
beforeEach(async () => {
  node = await createExecutorNode();
  await node.start();
  link = await node.connect();
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

const etc = (): string => join(node.root, 'etc');
const state = (): string => join(node.folder, 'state');
const readState = (): string => readFileSync(state(), 'utf8');

const MANIFEST = `version = 1
kind = "change"
title = "Set the word"
risk = "low"
user = "nobody"
timeout_seconds = 10
[args.word]
type = "string"
pattern = "[a-z ]{1,20}"
[run]
program = "run.sh"
argv = ["{word}"]
[plan]
program = "plan.sh"
argv = ["{word}"]
[verify]
program = "verify.sh"
argv = ["{word}"]
[undo]
program = "undo.sh"
`;

const BARE = MANIFEST.slice(0, MANIFEST.indexOf('[plan]'));

function write(path: string, text: string, mode: number): void {
  rmSync(path, { force: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

/** Puts the action there; @returns its hash. */
async function install(manifest = MANIFEST, scripts: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(etc(), 'actions/word');
  mkdirSync(folder, { recursive: true });
  write(join(folder, 'manifest.toml'), manifest, 0o644);
  const all = {
    run: `cp ${state()} ${state()}.old; printf %s "$1" > ${state()}; echo "set to $1"`,
    plan: `[ "$(cat ${state()})" = "$1" ] && exit 0; echo "would set it to $1"; exit 2`,
    verify: `[ "$(cat ${state()})" = "$1" ] || { echo "it is $(cat ${state()})"; exit 1; }`,
    undo: `[ -e ${state()}.old ] || exit 0; cat ${state()}.old > ${state()}; rm ${state()}.old`,
    ...scripts,
  };
  for (const [name, script] of Object.entries(all)) write(join(folder, `${name}.sh`), `#!/bin/sh\n${script}\n`, 0o755);
  // What a program without rights changes in these tests.
  chmodSync(node.folder, 0o777);
  write(state(), 'before', 0o666);
  const trust = { base: etc(), ownerUid: process.getuid?.() ?? 0 };
  return (await readCustomFolder(join(etc(), 'actions'), 'word', trust)).hash;
}

function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

const pinned = (hash: string): string => `${OPEN_POLICY}[[custom]]\nname = "word"\nhash = "${hash}"\n`;

const order = (change: Partial<ActionOrder> = {}): ActionOrder =>
  node.actionOrder({ action: 'custom.word', args: { word: 'after' }, ...change });

describe('ORDER16 an action of the hoster', () => {
  it('ORDER16 is planned, run, verified, found done the second time, and undone', async () => {
    node.writePolicy(pinned(await install()));
    const plan = await node.run(link, order({ mode: 'plan' }));
    expect(plan).toMatchObject({ outcome: 'succeeded', plan: { notes: ['would set it to after'] } });
    expect(readState()).toBe('before');
    const first = order();
    const receipt = await node.run(link, first);
    expect(receipt).toMatchObject({ outcome: 'succeeded', code: null });
    expect(receipt.data).toMatchObject({ output: { text: expect.stringContaining('set to after') } });
    expect(receipt.verification).toEqual([expect.objectContaining({ name: 'Its verify program agrees', ok: 1 })]);
    expect(readState()).toBe('after');
    expect(await node.run(link, order())).toMatchObject({ outcome: 'unchanged' });
    expect(await node.run(link, node.undoOrder(first))).toMatchObject({ outcome: 'succeeded' });
    expect(readState()).toBe('before');
  });

  it('ORDER16 what its verify program does not see is undone', async () => {
    node.writePolicy(pinned(await install(MANIFEST, { verify: 'echo "not there"; exit 1' })));
    const receipt = await node.run(link, order());
    expect(receipt).toMatchObject({ outcome: 'failed', code: 'VERIFY_FAILED' });
    expect(receipt.detail).toContain('not there');
    expect(readState()).toBe('before');
  });

  it('ORDER16 without an undo program a failure says that something may be left, and no undo is taken', async () => {
    node.writePolicy(pinned(await install(BARE)));
    const done = order();
    expect(await node.run(link, done)).toMatchObject({ outcome: 'succeeded' });
    expect(await node.run(link, node.undoOrder(done))).toMatchObject({ outcome: 'refused', code: 'UNDO_IMPOSSIBLE' });
    node.writePolicy(pinned(await install(BARE, { run: 'exit 5' })));
    const receipt = await node.run(link, order());
    expect(receipt).toMatchObject({ outcome: 'undetermined', code: 'ACTION_UNDO_FAILED' });
    expect(receipt.detail).toContain('ended with 5');
  });

  it('ORDER16 killed in the middle: undone at the next start', async () => {
    const script = `echo half > ${state()}; sleep 3; echo late > ${state()}`;
    node.writePolicy(pinned(await install(MANIFEST, { run: script })));
    const cut = order();
    link.send({ t: 'order', jws: await node.sign(cut) });
    await expect.poll(readState, { interval: 5 }).toBe('half\n');
    write(`${state()}.old`, 'before', 0o666);
    await node.kill();
    link.close();
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    const { jws } = await link.next('receipt');
    expect(await node.readReceipt(jws)).toMatchObject({ order: cut.id, outcome: 'failed', code: 'ORDER_INTERRUPTED' });
    expect(readState()).toBe('before');
    // What the killed executor had started was ended first.
    const isRunning = readdirSync('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .some((pid) => readCommand(pid).includes(node.root) && readCommand(pid).includes('run.sh'));
    expect(isRunning).toBe(false);
  });

  it('ORDER16 killed in the middle of one that nothing can look after: it is not said to have succeeded', async () => {
    node.writePolicy(pinned(await install(BARE, { run: `echo half > ${state()}; sleep 20` })));
    const cut = order();
    link.send({ t: 'order', jws: await node.sign(cut) });
    await expect.poll(readState, { interval: 5 }).toBe('half\n');
    await node.kill();
    link.close();
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    const { jws } = await link.next('receipt');
    expect(await node.readReceipt(jws)).toMatchObject({ order: cut.id, outcome: 'undetermined' });
  });
});

describe('ORDER16 refused before anything is run', () => {
  const attacks: readonly (readonly [string, (hash: string) => void, Partial<ActionOrder>, string])[] = [
    ['not named in the policy file', () => node.writePolicy(OPEN_POLICY), {}, 'CUSTOM_REFUSED'],
    ['named with another hash', () => node.writePolicy(pinned('0'.repeat(64))), {}, 'CUSTOM_REFUSED'],
    [
      'changed after root had looked at it',
      () => write(join(etc(), 'actions/word/undo.sh'), '#!/bin/sh\nid\n', 0o755),
      {},
      'CUSTOM_REFUSED',
    ],
    ['a folder that others may write', () => chmodSync(join(etc(), 'actions/word'), 0o777), {}, 'FILE_UNSAFE'],
    [
      'pinned, but allowed by no rule',
      (hash) => node.writePolicy(pinned(hash).replace('actions = ["*"]', 'actions = ["files.*"]')),
      {},
      'POLICY_DENIED',
    ],
    ['another version of it', () => undefined, { actionVersion: 2 }, 'ACTION_UNKNOWN'],
    ['one that is not there', () => undefined, { action: 'custom.other' }, 'CUSTOM_REFUSED'],
    ['an argument beside its pattern', () => undefined, { args: { word: 'A;id' } }, 'ACTION_ARGUMENTS'],
    ['an argument that is an option', () => undefined, { args: { word: '-rf' } }, 'ACTION_ARGUMENTS'],
    ['an argument more', () => undefined, { args: { word: 'a', LD_PRELOAD: 'x' } }, 'ACTION_ARGUMENTS'],
  ];
  it.each(attacks)('ORDER16 %s', async (_attack, attack, change, code) => {
    const hash = await install();
    node.writePolicy(pinned(hash));
    attack(hash);
    expect(await node.run(link, order(change))).toMatchObject({ outcome: 'refused', code });
    expect(readState()).toBe('before');
  });

  it('ORDER16 a folder with the name of an action of ours takes nothing over', async () => {
    const hash = await install();
    node.writePolicy(pinned(hash));
    mkdirSync(join(etc(), 'actions/files.write'), { recursive: true });
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'succeeded' });
    expect(node.effects()).toHaveLength(3);
    expect(readState()).toBe('before');
  });
});

describe('ORDER15 what it prints', () => {
  it('ORDER15 comes while it runs, cleaned, and stays in the receipt', async () => {
    const script = `printf '\\033[2Jone\\n'; sleep 0.5; printf 'two\\000\\377\\n'; sleep 0.5; echo three`;
    node.writePolicy(pinned(await install(BARE, { run: script })));
    const receipt: Receipt = await node.run(link, order());
    const texts = link.messages.flatMap((message) => (message.t === 'output' ? [message.text] : []));
    expect(texts.length).toBeGreaterThanOrEqual(2);
    expect(texts.join('')).toBe('one\ntwo\ufffd\ufffd\nthree\n');
    const { output } = receipt.data as { output: { text: string; sha256: string } };
    expect(output).toMatchObject({
      text: 'one\ntwo\ufffd\ufffd\nthree\n',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('ORDER15 a flood does not hold it up, and is cut', async () => {
    node.writePolicy(pinned(await install(BARE, { run: 'head -c 20000000 /dev/urandom' })));
    const receipt = await node.run(link, order());
    expect(receipt).toMatchObject({ outcome: 'succeeded' });
    const texts = link.messages.flatMap((message) => (message.t === 'output' ? [message.text] : []));
    expect(Math.max(...texts.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(4096);
  });
});

describe('BUNDLE7 pins of the policy bundle', () => {
  const people = (): readonly [Person, Person] => [createPerson('Ada', true), createPerson('Bo', true)];
  const hold = async (change: Partial<Bundle>): Promise<void> => {
    const bundle = firstBundle(node.controllerId, people(), { needs: { high: 0, rootShell: 0, shell: 0 }, ...change });
    link.send({
      t: 'bundles',
      items: [await sealBundle(bundle, { authority: node.authority, kid: AUTHORITY_KID })],
    });
  };
  const pin = (hash: string, change: object = {}) => ({ name: 'word', hash, allowRoot: false, ...change });

  it('BUNDLE7 what owners pinned runs without a pin in the policy file', async () => {
    await hold({ custom: [pin(await install())] });
    expect(await node.run(link, order())).toMatchObject({ outcome: 'succeeded' });
    expect(readState()).toBe('after');
  });

  it('BUNDLE7 a bundle that says nothing of custom actions leaves it to the policy file', async () => {
    node.writePolicy(pinned(await install()));
    await hold({});
    expect(await node.run(link, order())).toMatchObject({ outcome: 'succeeded' });
  });

  const attacks: readonly (readonly [string, (hash: string) => Promise<void>, RegExp])[] = [
    ['one that root of the node alone has pinned', () => hold({ custom: [] }), /does not pin custom\.word/],
    [
      'other bytes than those that owners pinned, pinned by root of the node',
      () => hold({ custom: [pin('0'.repeat(64))] }),
      /the policy file pins custom\.word as|policy file pins/,
    ],
    [
      'bytes that were changed after owners pinned them',
      async (hash) => {
        node.writePolicy(OPEN_POLICY);
        await hold({ custom: [pin(hash)] });
        write(join(etc(), 'actions/word/undo.sh'), '#!/bin/sh\nid\n', 0o755);
      },
      /is not what is allowed/,
    ],
    [
      'one that is pinned twice, once right and once wrong',
      (hash) => hold({ custom: [pin('0'.repeat(64)), pin(hash)] }).then(() => node.writePolicy(OPEN_POLICY)),
      /has no \[\[custom\]\] entry/,
    ],
    [
      'a damaged bundle file',
      async () => {
        await hold({ custom: [] });
        await node.run(link, node.actionOrder({ mode: 'plan' }));
        await node.kill();
        link.close();
        writeFileSync(join(node.config.paths.executorDir, 'bundle.json'), '{}');
        await node.start();
        link = await node.connect();
      },
      /damaged/,
    ],
  ];
  it.each(attacks)('BUNDLE7 refused: %s', async (_attack, attack, says) => {
    const hash = await install();
    node.writePolicy(pinned(hash));
    await attack(hash);
    const receipt = await node.run(link, order());
    expect(receipt).toMatchObject({ outcome: 'refused', code: 'CUSTOM_REFUSED' });
    expect(receipt.detail).toMatch(says);
    expect(readState()).toBe('before');
  });

  it('BUNDLE7 a bundle that comes between plan and start counts for the start', async () => {
    const hash = await install(MANIFEST, { plan: `echo planned > ${state()}.seen; sleep 2; exit 2` });
    node.writePolicy(pinned(hash));
    const cut = order();
    link.send({ t: 'order', jws: await node.sign(cut) });
    await expect.poll(() => existsSync(`${state()}.seen`), { interval: 5 }).toBe(true);
    await hold({ custom: [] });
    const { jws } = await link.next('receipt');
    // Its undo program is as little allowed by then.
    const detail = expect.stringContaining('does not pin custom.word') as string;
    expect(await node.readReceipt(jws)).toMatchObject({ order: cut.id, outcome: 'undetermined', detail });
    expect(readState()).toBe('before');
  });
});
