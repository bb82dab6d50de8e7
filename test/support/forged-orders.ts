import { randomUUID, sign } from 'node:crypto';
import { signBundle, signOrder, type KeyPair } from '@hauban/link';
import {
  BUNDLE_TYPE,
  ORDER_TYPE,
  RECEIPT_TYPE,
  type ActionOrder,
  type Assertion,
  type Bundle,
  type Order,
  type ShellOrder,
  type SignedBundle,
  type UndoOrder,
} from '@hauban/shared/protocol';
import type { SeededRandom } from '@hauban/shared/testing';
import { approveOrder, nextBundle, sealBundle, type Asked, type Person } from './approving-people.ts';
import { AUTHORITY_KID } from './executor-harness.ts';
import type { AssertionChange } from './software-passkey.ts';

/** What an attacker has seen and has: everything that ever travelled, and keys of his own. */
export interface Loot {
  readonly random: SeededRandom;
  readonly authority: KeyPair;
  /** The node's own receipt key, and one that nobody knows. */
  readonly receiptKey: KeyPair;
  readonly strangerKey: KeyPair;
  readonly owners: readonly [Person, Person];
  readonly operator: Person;
  readonly stranger: Person;
  /** Version 1, which is over, and version 2, which is held. */
  readonly bundles: readonly [Bundle, Bundle];
  /** Carried out already: an order without approvals, an approved one, an approved permit. */
  readonly done: { readonly plain: ActionOrder; readonly approved: ActionOrder; readonly permit: ShellOrder };
  /** Signed by the node. */
  readonly receipt: object;
  freshOrder(change?: Partial<ActionOrder>): ActionOrder;
  freshPermit(change?: Partial<ShellOrder>): ShellOrder;
}

/** One try, and the only codes that the refusal may have. `id` null: nobody can be told which order it was. */
export type Forgery =
  | { readonly kind: 'order'; readonly jws: string; readonly id: string | null; readonly codes: readonly string[] }
  | { readonly kind: 'bundle'; readonly signed: SignedBundle; readonly codes: readonly string[] };

/** Fields that orders and permits share. */
type Common = Partial<Pick<ActionOrder, 'aud' | 'iat' | 'exp'>>;
type Attack = (loot: Loot) => Promise<Forgery>;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWS with any header and payload by any key. */
function forgeJws(header: object, payload: object, key: KeyPair): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

const header = { alg: 'EdDSA', typ: ORDER_TYPE, kid: AUTHORITY_KID };
const pick = <T>(random: SeededRandom, of: readonly T[]): T => of[random.below(of.length)] as T;

/** Another character somewhere in the payload or the signature. */
function flip(jws: string, random: SeededRandom): string {
  const from = jws.indexOf('.') + 1;
  const dot = jws.lastIndexOf('.');
  let at = from + random.below(jws.length - from);
  if (at === dot) at += 1;
  const letter = pick(random, [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']);
  return letter === jws[at] ? flip(jws, random) : `${jws.slice(0, at)}${letter}${jws.slice(at + 1)}`;
}

/** Well signed by the authority: the signer was taken as well. */
const signed = async (loot: Loot, order: Order, ...codes: string[]): Promise<Forgery> => ({
  kind: 'order',
  jws: await signOrder(order, loot.authority, AUTHORITY_KID),
  id: order.id,
  codes,
});

/** What is true of every order is true of a permit for a shell. */
const either = (loot: Loot, change: Common = {}): Order =>
  pick<() => Order>(loot.random, [() => loot.freshOrder(change), () => loot.freshPermit(change)])();

const byKey = (key: (loot: Loot) => KeyPair): Attack => {
  return async (loot) => {
    const order = either(loot);
    return { kind: 'order', jws: forgeJws(header, order, key(loot)), id: order.id, codes: ['ORDER_SIGNATURE'] };
  };
};

const withHeader = (change: object): Attack => {
  return async (loot) => {
    const order = either(loot);
    const jws = forgeJws({ ...header, ...change }, order, loot.authority);
    return { kind: 'order', jws, id: order.id, codes: ['ORDER_SIGNATURE'] };
  };
};

/** One field of a fresh order is another one than it must be. */
const changed = (change: (loot: Loot) => Partial<ActionOrder>, code: string): Attack => {
  return async (loot) => await signed(loot, loot.freshOrder(change(loot)), code);
};

/** The same of an order or a permit. */
const eitherChanged = (change: () => Common, code: string): Attack => {
  return async (loot) => await signed(loot, either(loot, change()), code);
};

const risky = (loot: Loot, change: Partial<ActionOrder> = {}): ActionOrder =>
  loot.freshOrder({ action: 'files.write-risky', ...change });

/** The undo of an order with this id, as the order itself would be given. */
function undoing({ planHash: _planHash, ...order }: ActionOrder, undoes: string): UndoOrder {
  return { ...order, mode: 'undo', undoes };
}

const dangerous = (loot: Loot): Order => pick<Order>(loot.random, [risky(loot), loot.freshPermit()]);

/** Both owners approve, but the assertions are made somewhere else. */
const approvedWith = (change: AssertionChange, code: string, asked: Asked = {}): Attack => {
  return async (loot) => await signed(loot, approveOrder(dangerous(loot), loot.owners, asked, change), code);
};

/** What the two owners approved is changed afterwards. */
const approvedThen = (change: (loot: Loot, order: ActionOrder) => Partial<ActionOrder>, code: string): Attack => {
  return async (loot) => {
    const order = approveOrder(risky(loot), loot.owners);
    return await signed(loot, { ...order, ...change(loot, order) }, code);
  };
};

const flipByte = (text: string, random: SeededRandom): string => {
  const bytes = Buffer.from(text, 'base64url');
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes.toString('base64url');
};

function alterOne(
  approvals: readonly Assertion[],
  random: SeededRandom,
  alter: (one: Assertion) => Partial<Assertion>,
): Assertion[] {
  const at = random.below(approvals.length);
  return approvals.map((one, index) => (index === at ? { ...one, ...alter(one) } : one));
}

const again = (of: (loot: Loot) => Order, code: string): Attack => {
  return async (loot) => await signed(loot, { ...of(loot), id: randomUUID() }, code);
};

const args = (random: SeededRandom): unknown => ({ set: `x${random.below(1000)}`, count: 1, content: 'forged' });

const ORDERS: Readonly<Record<string, Attack>> = {
  'signed by a key of his own': byKey((loot) => loot.strangerKey),
  "signed by the node's receipt key": byKey((loot) => loot.receiptKey),
  'under a key id that is not pinned': withHeader({ kid: 'authority-2' }),
  'with another type': withHeader({ typ: RECEIPT_TYPE }),
  'with a bundle’s type': withHeader({ typ: BUNDLE_TYPE }),
  'with another algorithm': withHeader({ alg: 'ES256' }),
  'without an algorithm': withHeader({ alg: 'none' }),
  'one letter altered': async (loot) => {
    const jws = flip(await signOrder(either(loot), loot.authority, AUTHORITY_KID), loot.random);
    return { kind: 'order', jws, id: null, codes: ['ORDER_SIGNATURE', 'ORDER_MALFORMED'] };
  },
  'reflected: a receipt of the node': async (loot) => {
    const jws = forgeJws(header, loot.receipt, loot.receiptKey);
    return { kind: 'order', jws, id: null, codes: ['ORDER_MALFORMED'] };
  },
  'a bundle in the place of an order': async (loot) => {
    const jws = await signBundle(pick(loot.random, loot.bundles), loot.authority, AUTHORITY_KID);
    return { kind: 'order', jws, id: null, codes: ['ORDER_MALFORMED'] };
  },
  'for another node': eitherChanged(() => ({ aud: randomUUID() }), 'ORDER_AUDIENCE'),
  expired: eitherChanged(() => ({ iat: Date.now() - 20_000, exp: Date.now() - 1 }), 'ORDER_EXPIRED'),
  'from before the memory': eitherChanged(() => ({ iat: Date.now() - 36_000_000 }), 'ORDER_EXPIRED'),
  'from the future': eitherChanged(
    () => ({ iat: Date.now() + 600_000, exp: Date.now() + 660_000 }),
    'ORDER_NOT_YET_VALID',
  ),
  'with a life without end': eitherChanged(() => ({ exp: Date.now() + 50_000_000 }), 'ORDER_MALFORMED'),
  'an action that nobody knows': changed(() => ({ action: 'files.destroy' }), 'ACTION_UNKNOWN'),
  'arguments that do not fit': changed(() => ({ args: { set: '../x', count: 1, content: '' } }), 'ACTION_ARGUMENTS'),
  'an action that the policy does not name': changed(() => ({ action: 'files.write-wrong' }), 'POLICY_DENIED'),
  'the id of an order that was done': async (loot) =>
    await signed(loot, { ...loot.freshOrder({ args: args(loot.random) }), id: loot.done.plain.id }, 'ORDER_REPLAYED'),
  'an undo of an order that nobody gave': async (loot) =>
    await signed(loot, undoing(loot.freshOrder(), randomUUID()), 'UNDO_UNKNOWN'),
  'an undo with other arguments than the order had': async (loot) =>
    await signed(loot, undoing({ ...loot.freshOrder(), args: args(loot.random) }, loot.done.plain.id), 'UNDO_MISMATCH'),
  'an undo for another node': async (loot) =>
    await signed(loot, { ...undoing(loot.freshOrder(), loot.done.plain.id), aud: randomUUID() }, 'ORDER_AUDIENCE'),
  'an undo by a key of his own': async (loot) => {
    const order = undoing(loot.freshOrder({ args: loot.done.plain.args }), loot.done.plain.id);
    const jws = forgeJws(header, order, loot.strangerKey);
    return { kind: 'order', jws, id: order.id, codes: ['ORDER_SIGNATURE'] };
  },
  'an undo of what is dangerous without approvals': async (loot) =>
    await signed(loot, undoing(risky(loot), loot.done.approved.id), 'APPROVAL_MISSING'),
  'an undo with the approvals for doing it': async (loot) => {
    const order = approveOrder(risky(loot, { args: loot.done.approved.args }), loot.owners);
    return await signed(loot, undoing(order, loot.done.approved.id), 'APPROVAL_CHALLENGE');
  },
  'an order with the approvals for undoing it': async (loot) => {
    const { approvals, approved } = approveOrder(undoing(risky(loot), loot.done.approved.id), loot.owners);
    return await signed(loot, { ...risky(loot), approvals, approved }, 'APPROVAL_CHALLENGE');
  },
  'an undo that carries a plan': async (loot) => {
    const order = { ...undoing(loot.freshOrder(), loot.done.plain.id), planHash: null };
    return { kind: 'order', jws: forgeJws(header, order, loot.authority), id: order.id, codes: ['ORDER_MALFORMED'] };
  },
  'dangerous without approvals': async (loot) => await signed(loot, dangerous(loot), 'APPROVAL_MISSING'),
  'approvals stripped': approvedThen(() => ({ approvals: [], approved: null }), 'APPROVAL_MISSING'),
  'approvals stripped badly': approvedThen(() => ({ approvals: [] }), 'APPROVAL_TARGETS'),
  'one of two approvals': async (loot) =>
    await signed(loot, approveOrder(dangerous(loot), [pick(loot.random, loot.owners)]), 'APPROVAL_MISSING'),
  'one person twice': async (loot) =>
    await signed(loot, approveOrder(dangerous(loot), [loot.owners[0], loot.owners[0]]), 'APPROVAL_REPEATED'),
  'somebody who is not listed': async (loot) =>
    await signed(loot, approveOrder(dangerous(loot), [loot.owners[1], loot.stranger]), 'APPROVAL_OPERATOR'),
  'somebody who left with the last version': async (loot) =>
    await signed(loot, approveOrder(dangerous(loot), [loot.owners[1], loot.operator]), 'APPROVAL_OPERATOR'),
  'a key of somebody else': approvedThen(
    ({ random, stranger }, { approvals }) => ({
      approvals: alterOne(approvals, random, () => ({ credential: stranger.passkey.credential.id })),
    }),
    'APPROVAL_CREDENTIAL',
  ),
  'arguments altered': approvedThen(({ random }) => ({ args: args(random) }), 'APPROVAL_CHALLENGE'),
  'a later end': approvedThen((_loot, { exp }) => ({ exp: exp + 1 }), 'APPROVAL_CHALLENGE'),
  'another run': approvedThen(
    (_loot, { approved }) => ({ approved: approved === null ? null : { ...approved, run: randomUUID() } }),
    'APPROVAL_CHALLENGE',
  ),
  'approvals of another order': async (loot) =>
    await signed(
      loot,
      {
        ...risky(loot),
        approvals: loot.done.approved.approvals,
        approved: { run: randomUUID(), targets: [loot.done.approved.aud] },
      },
      'APPROVAL_CHALLENGE',
    ),
  're-targeted': approvedWith({}, 'APPROVAL_TARGETS', { targets: [randomUUID()] }),
  're-targeted and renamed': async (loot) => {
    const order = approveOrder(risky(loot), loot.owners, { targets: [randomUUID()] });
    const approved = { run: order.approved?.run ?? '', targets: [order.aud] };
    return await signed(loot, { ...order, approved }, 'APPROVAL_CHALLENGE');
  },
  'of another controller': async (loot) =>
    await signed(loot, approveOrder(risky(loot, { iss: randomUUID() }), loot.owners), 'APPROVAL_CONTROLLER'),
  'another origin': approvedWith({ origin: 'https://fleet.example.evil' }, 'APPROVAL_ORIGIN'),
  'another relying party': approvedWith({ rpId: 'evil.example' }, 'APPROVAL_ORIGIN'),
  'a frame': approvedWith({ crossOrigin: true }, 'APPROVAL_ORIGIN'),
  'no finger': approvedWith({ flags: 1 }, 'APPROVAL_PRESENCE'),
  'no touch': approvedWith({ flags: 4 }, 'APPROVAL_PRESENCE'),
  'the making of a key': approvedWith({ type: 'webauthn.create' }, 'APPROVAL_MALFORMED'),
  'a signature altered': approvedThen(
    ({ random }, { approvals }) => ({
      approvals: alterOne(approvals, random, ({ signature }) => ({ signature: flipByte(signature, random) })),
    }),
    'APPROVAL_SIGNATURE',
  ),
  'a second order of a run': again((loot) => loot.done.approved, 'ORDER_REPLAYED'),
  'a second permit of a session': again((loot) => loot.done.permit, 'ORDER_REPLAYED'),
  'a permit for another session': async (loot) =>
    await signed(loot, { ...approveOrder(loot.freshPermit(), loot.owners), session: randomUUID() }, 'APPROVAL_TARGETS'),
  'a permit for root that was one for somebody': async (loot) =>
    await signed(
      loot,
      { ...approveOrder(loot.freshPermit({ user: 'daemon' }), loot.owners), user: 'root' },
      'APPROVAL_CHALLENGE',
    ),
  'a permit for a user that the policy does not name': async (loot) =>
    await signed(loot, approveOrder(loot.freshPermit({ user: 'daemon' }), loot.owners), 'POLICY_DENIED'),
};

const sealed = (
  bundle: (loot: Loot) => Bundle,
  approvers: (loot: Loot) => readonly Person[],
  code: string,
  key: (loot: Loot) => KeyPair = (loot) => loot.authority,
): Attack => {
  return async (loot) => ({
    kind: 'bundle',
    signed: await sealBundle(bundle(loot), { authority: key(loot), kid: AUTHORITY_KID }, approvers(loot)),
    codes: [code],
  });
};

const open = { needs: { high: 0, rootShell: 0, shell: 0 } };
const owners = (loot: Loot): readonly Person[] => loot.owners;
const nobody = (): readonly Person[] => [];
const next = ({ bundles }: Loot, change: Partial<Bundle> = open): Bundle => nextBundle(bundles[1], change);

const BUNDLES: Readonly<Record<string, Attack>> = {
  'a bundle by a key of his own': sealed(next, owners, 'BUNDLE_SIGNATURE', (loot) => loot.strangerKey),
  'a bundle of another controller': sealed(
    (loot) => next(loot, { controller: randomUUID() }),
    owners,
    'BUNDLE_CONTROLLER',
  ),
  'an older version': sealed(({ bundles }) => bundles[0], nobody, 'BUNDLE_OLD'),
  'a version skipped': sealed((loot) => nextBundle(next(loot)), owners, 'BUNDLE_SKIPPED'),
  'a fork of the version that is held': sealed(({ bundles }) => ({ ...bundles[1], ...open }), owners, 'BUNDLE_FORKED'),
  'a successor of a fork': sealed(({ bundles }) => nextBundle({ ...bundles[1], ...open }), owners, 'BUNDLE_FORKED'),
  'a version that nobody approved': sealed(next, nobody, 'BUNDLE_QUORUM'),
  'a version that one owner approved': sealed(next, (loot) => [pick(loot.random, loot.owners)], 'BUNDLE_QUORUM'),
  'a version that one owner approved twice': sealed(next, ({ owners: [one] }) => [one, one], 'APPROVAL_REPEATED'),
  'a version that a stranger approved': sealed(
    (loot) => next(loot, { operators: [loot.owners[0].operator, loot.stranger.operator] }),
    (loot) => [loot.owners[0], loot.stranger],
    'APPROVAL_OPERATOR',
  ),
  'one person under two names': sealed(
    (loot) => next(loot, { operators: [loot.owners[0].operator, { ...loot.owners[0].operator, id: randomUUID() }] }),
    owners,
    'BUNDLE_MALFORMED',
  ),
  'approvals of another version': async (loot) => {
    const by = { authority: loot.authority, kid: AUTHORITY_KID };
    const { approvals } = await sealBundle(next(loot, { quorum: 1 }), by, loot.owners);
    const { jws } = await sealBundle(next(loot), by);
    return { kind: 'bundle', signed: { jws, approvals }, codes: ['APPROVAL_CHALLENGE'] };
  },
  'an approval of a version altered': async (loot) => {
    const by = { authority: loot.authority, kid: AUTHORITY_KID };
    const { jws, approvals } = await sealBundle(next(loot), by, loot.owners);
    const altered = alterOne(approvals, loot.random, ({ signature }) => ({
      signature: flipByte(signature, loot.random),
    }));
    return { kind: 'bundle', signed: { jws, approvals: altered }, codes: ['APPROVAL_SIGNATURE'] };
  },
};

export const ATTACKS: readonly (readonly [string, Attack])[] = [...Object.entries(ORDERS), ...Object.entries(BUNDLES)];
