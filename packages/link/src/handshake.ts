import {
  checkHello,
  checkProof,
  checkWelcome,
  commonVersion,
  fromBase64Url,
  LIMITS,
  parseJson,
  PROTOCOL_VERSIONS,
  signedBytes,
  transcriptBytes,
  utf8,
  type Binding,
  type Check,
  type Hello,
  type JoinClaim,
  type LinkItem,
  type LinkMode,
  type Parsed,
  type Transcript,
  type Welcome,
} from '@hauban/shared/protocol';
import type { Random } from '@hauban/shared/time';
import { sha256 } from './digest.ts';
import { keyThumbprint, publicKeyFrom, signBytes, verifyBytes, type KeyPair } from './key-pair.ts';
import { createEphemeralKey, deriveJoinMark, deriveLinkKeys, type EphemeralKey, type LinkKeys } from './link-keys.ts';
import { refuse, type Refusal } from './refusal.ts';

/**
 * Both sides of the handshake as steps: bytes in, bytes and the next step out, or a refusal. No socket, no clock.
 *
 *   node:        startHandshake -> hello          ... answerWelcome(welcome) -> proof, keys
 *   controller:  readHello(hello) -> who claims what ... (look the node up) ... welcomeNode -> welcome ... acceptProof(proof) -> keys
 *
 * A step's value serves once: the ephemeral key inside is gone after its first use.
 */

/** 32 bytes of the TLS exporter (rule HELLO5), or null when this side has no direct TLS connection. */
export type ReadExporter = () => Uint8Array | null;

export interface Established {
  readonly ok: true;
  readonly version: number;
  readonly keys: LinkKeys;
  /** What the node shows at its next link (rule KEYS4). */
  readonly joinMark: string;
}

/** What the node knows of the controller before it dials: its pinned key, or the thumbprint in a join token (rule HELLO7). */
export type ExpectedController =
  | {
      readonly by: 'key';
      readonly controllerId: string;
      readonly linkKey: string;
      /** The link key before that one, while a controller that has only it is taken; null or left out: none. */
      readonly alsoTaken?: string | null;
      /** Link keys that were replaced and whose time is over: refused by name (rule KEYS22). */
      readonly retired?: readonly string[];
    }
  | { readonly by: 'thumbprint'; readonly thumbprint: string };

export interface HandshakeStart {
  readonly mode: LinkMode;
  /** Empty in mode `enrol`. */
  readonly nodeId: string;
  readonly key: KeyPair;
  readonly random: Random;
  /** Left out in mode `enrol`, where there is no former link. */
  readonly join?: JoinClaim;
  /** The newest link key of the controller that is gone by; left out: none. */
  readonly pinned?: string;
  /** Versions spoken; only a test says other than all. */
  readonly versions?: readonly number[];
}

export interface SentHello {
  readonly message: Uint8Array;
  readonly hello: Hello;
  readonly start: HandshakeStart;
  readonly eph: EphemeralKey;
}

export type NodeEstablished = Established & {
  readonly proof: Uint8Array;
  readonly controllerId: string;
  readonly controllerKey: string;
  /** The last link that the controller has counted. */
  readonly joined: number;
};

const NO_JOIN: JoinClaim = { counter: 0, marks: [] };

const malformed = (why: string): Refusal => refuse(4400, 'LINK_HANDSHAKE_FAILED', why);

const text = new TextDecoder('utf-8', { fatal: true });

/** Size before parsing (rule TRANS3), then UTF-8, then shape. */
function parseMessage<T>(check: Check<T>, message: Uint8Array, mostBytes: number = LIMITS.helloBytes): Parsed<T> {
  if (message.length > mostBytes) return { ok: false, problem: `a handshake message of ${message.length} bytes` };
  try {
    return parseJson(check, text.decode(message));
  } catch (error) {
    if (error instanceof TypeError) return { ok: false, problem: 'a handshake message that is not UTF-8' };
    throw error;
  }
}

const encode = (message: object): Uint8Array => utf8(JSON.stringify(message));

/** Step 1 of the node. */
export function startHandshake(start: HandshakeStart): SentHello {
  const eph = createEphemeralKey();
  const hello: Hello = {
    t: 'hello',
    versions: start.versions ?? PROTOCOL_VERSIONS,
    mode: start.mode,
    nodeId: start.nodeId,
    linkKey: start.key.publicText,
    nonce: Buffer.from(start.random.bytes(32)).toString('base64url'),
    eph: eph.publicText,
    join: start.join ?? NO_JOIN,
    pinned: start.pinned ?? '',
  };
  return { message: encode(hello), hello, start, eph };
}

/** Raw bytes of all that is in the transcript; null when a text is not 32 bytes in canonical form. */
function transcriptHash(hello: Hello, welcome: Omit<Welcome, 'sig'>, bindingValue: Uint8Array): Buffer | null {
  const [nodeLinkKey, nodeNonce, nodeEph] = [hello.linkKey, hello.nonce, hello.eph].map(fromBase64Url);
  const [controllerLinkKey, controllerNonce, controllerEph] = [welcome.linkKey, welcome.nonce, welcome.eph].map(
    fromBase64Url,
  );
  if (!nodeLinkKey || !nodeNonce || !nodeEph || !controllerLinkKey || !controllerNonce || !controllerEph) return null;
  const transcript: Transcript = {
    offered: hello.versions,
    version: welcome.version,
    mode: hello.mode,
    nodeId: hello.nodeId,
    nodeLinkKey,
    controllerId: welcome.controllerId,
    controllerLinkKey,
    nodeNonce,
    controllerNonce,
    nodeEph,
    controllerEph,
    binding: welcome.binding,
    bindingValue,
    join: hello.join,
    joined: welcome.joined,
    pinned: hello.pinned,
    steps: welcome.steps,
  };
  return sha256(transcriptBytes(transcript));
}

const foreign = (why: string): Refusal => refuse(4495, 'LINK_CONTROLLER_IDENTITY', why);
const notExpected = (problem: string): Refusal => foreign(`The controller is not the expected one: ${problem}.`);

function checkIdentity(expected: ExpectedController, welcome: Welcome): Refusal | null {
  if (expected.by === 'thumbprint')
    return keyThumbprint(welcome.linkKey) === expected.thumbprint
      ? null
      : notExpected('its key is not the one of the join token');
  const { linkKey } = welcome;
  if (expected.retired?.includes(linkKey) === true)
    return refuse(4495, 'LINK_STEP_RETIRED', 'The controller has a link key that was replaced, and its time is over.');
  if (linkKey !== expected.linkKey && linkKey !== (expected.alsoTaken ?? null))
    return notExpected('its key is not the pinned one');
  return welcome.controllerId === expected.controllerId ? null : notExpected('its id is not the pinned one');
}

/** What the controller says of keys that the node has not followed to yet; none in a message that is no welcome. */
export function linkItemsIn(message: Uint8Array): readonly LinkItem[] {
  const parsed = parseMessage(checkWelcome, message, LIMITS.welcomeBytes);
  return parsed.ok ? parsed.value.steps : [];
}

/** Value of the binding that the welcome names, as this side sees it; null when this side has none. */
function bindingValueOf(binding: Binding, exporter: ReadExporter): Uint8Array | null {
  return binding === 'none' ? new Uint8Array(0) : exporter();
}

/** Step 2 of the node: who is it, then does it hold the key, then the keys of this link. */
export function answerWelcome(
  sent: SentHello,
  message: Uint8Array,
  expected: ExpectedController,
  exporter: ReadExporter,
): NodeEstablished | Refusal {
  const parsed = parseMessage(checkWelcome, message, LIMITS.welcomeBytes);
  if (!parsed.ok) return malformed(`welcome: ${parsed.problem}`);
  const welcome = parsed.value;
  const other = checkIdentity(expected, welcome);
  if (other !== null) return other;
  if (!sent.hello.versions.includes(welcome.version))
    return refuse(4426, 'LINK_VERSION', `the controller chose version ${welcome.version}, which was not offered`);
  const bindingValue = bindingValueOf(welcome.binding, exporter);
  if (bindingValue === null)
    return foreign('The controller ends TLS itself, but this connection has no TLS: something sits between.');
  const hash = transcriptHash(sent.hello, welcome, bindingValue);
  const key = publicKeyFrom(welcome.linkKey);
  const signature = fromBase64Url(welcome.sig);
  if (hash === null || key === null || signature === null)
    return malformed('welcome: a key, nonce or signature is damaged');
  if (!verifyBytes(key, signedBytes('controller', hash), signature))
    return foreign(
      'The controller could not prove its key for this connection: something sits between, or it is another one.',
    );
  const secret = sent.eph.agree(welcome.eph);
  if (secret === null) return malformed('welcome: the ephemeral key is worthless');
  const proof = encode({ t: 'proof', sig: signBytes(sent.start.key, signedBytes('node', hash)).toString('base64url') });
  return {
    ok: true,
    version: welcome.version,
    joinMark: deriveJoinMark(secret, hash),
    keys: deriveLinkKeys(secret, hash),
    joined: welcome.joined,
    proof,
    controllerId: welcome.controllerId,
    controllerKey: welcome.linkKey,
  };
}

/** Step 1 of the controller: what is claimed. Nothing is proven yet. */
export function readHello(
  message: Uint8Array,
): { readonly ok: true; readonly hello: Hello; readonly version: number } | Refusal {
  const parsed = parseMessage(checkHello, message);
  if (!parsed.ok) return malformed(`hello: ${parsed.problem}`);
  const hello = parsed.value;
  if ((hello.mode === 'enrol') !== (hello.nodeId === ''))
    return malformed('hello: a node id belongs to mode node, and only there');
  const version = commonVersion(hello.versions);
  if (version === null)
    return refuse(4426, 'LINK_VERSION', `the node speaks ${hello.versions.join(', ') || 'no version'}`);
  return { ok: true, hello, version };
}

export interface ControllerIdentity {
  readonly controllerId: string;
  readonly key: KeyPair;
}

export interface SentWelcome {
  readonly ok: true;
  readonly message: Uint8Array;
  readonly version: number;
  readonly mode: LinkMode;
  readonly nodeId: string;
  /** The node's key: claimed until `acceptProof` says ok. */
  readonly nodeLinkKey: string;
  readonly hash: Uint8Array;
  /** The shared secret, once; then null. */
  takeSecret(): Buffer | null;
}

/** Step 2 of the controller, once the claimed key is known to be the registered one (rule HELLO3). */
export function welcomeNode(
  read: {
    readonly hello: Hello;
    readonly version: number;
    /** 0: none. */
    readonly joined?: number;
    /** From the key that the hello names to the one of this controller. */
    readonly steps?: readonly LinkItem[];
  },
  identity: ControllerIdentity,
  random: Random,
  exporter: ReadExporter,
): SentWelcome | Refusal {
  const { hello, version } = read;
  const bindingValue = exporter();
  const eph = createEphemeralKey();
  const unsigned = {
    t: 'welcome',
    version,
    controllerId: identity.controllerId,
    linkKey: identity.key.publicText,
    nonce: Buffer.from(random.bytes(32)).toString('base64url'),
    eph: eph.publicText,
    binding: bindingValue === null ? 'none' : 'tls-exporter',
    joined: read.joined ?? 0,
    steps: [...(read.steps ?? [])],
  } as const;
  const hash = transcriptHash(hello, unsigned, bindingValue ?? new Uint8Array(0));
  let secret = eph.agree(hello.eph);
  if (hash === null || secret === null)
    return malformed('hello: a key, nonce or ephemeral key is damaged or worthless');
  const sig = signBytes(identity.key, signedBytes('controller', hash)).toString('base64url');
  const { mode, nodeId, linkKey: nodeLinkKey } = hello;
  const takeSecret = (): Buffer | null => {
    const taken = secret;
    secret = null;
    return taken;
  };
  return { ok: true, message: encode({ ...unsigned, sig }), version, mode, nodeId, nodeLinkKey, hash, takeSecret };
}

/** Step 3 of the controller: the node holds the key that it claimed. */
export function acceptProof(sent: SentWelcome, message: Uint8Array): Established | Refusal {
  const parsed = parseMessage(checkProof, message);
  if (!parsed.ok) return malformed(`proof: ${parsed.problem}`);
  const key = publicKeyFrom(sent.nodeLinkKey);
  const signature = fromBase64Url(parsed.value.sig);
  if (key === null || signature === null) return malformed('proof: the signature or the key is damaged');
  if (!verifyBytes(key, signedBytes('node', sent.hash), signature))
    return refuse(4401, 'LINK_HANDSHAKE_FAILED', 'the node could not prove its key');
  const secret = sent.takeSecret();
  if (secret === null) return malformed('proof: a second one');
  const joinMark = deriveJoinMark(secret, sent.hash);
  return { ok: true, version: sent.version, joinMark, keys: deriveLinkKeys(secret, sent.hash) };
}
