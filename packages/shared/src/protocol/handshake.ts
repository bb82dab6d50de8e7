import { concatBytes, utf8 } from './bytes.ts';
import { integer, list, literal, object, oneOf, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';
import { checkLinkItem, linkItemText, type LinkItem } from './link-step.ts';

/** Handshake messages (rules HELLO1 to HELLO9). Keys, nonces and signatures are base64url. */
const bytes32 = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const signature = text(86, { pattern: /^[A-Za-z0-9_-]{86}$/ });

export const LINK_MODES = ['node', 'enrol'] as const;
export type LinkMode = (typeof LINK_MODES)[number];
export const BINDINGS = ['tls-exporter', 'none'] as const;
export type Binding = (typeof BINDINGS)[number];

/** Marks that a node may offer at most: one of the last link that it knows to be counted, the others of links that may have been (rule KEYS5). */
export const MOST_JOIN_MARKS = 16;
/** Steps of keys that one message carries at most. */
export const MOST_LINK_ITEMS = 50;
/** Links that a node has begun so far, this one included (rule KEYS4). */
const joinCounter = integer(0, 2 ** 47);

export const checkHello = object({
  t: literal('hello'),
  versions: list(integer(1, 65_535), 16),
  mode: oneOf(LINK_MODES),
  nodeId: text(36, { pattern: new RegExp(`${UUID_PATTERN}|^$`) }),
  linkKey: bytes32,
  nonce: bytes32,
  eph: bytes32,
  join: object({ counter: joinCounter, marks: list(bytes32, MOST_JOIN_MARKS) }),
  /** The newest link key of the controller that the node goes by (rule KEYS20); empty in mode `enrol`. */
  pinned: text(43, { pattern: /^(?:[A-Za-z0-9_-]{43})?$/ }),
});
/** What a node says of its former links. Empty in mode `enrol` and at a node's first link. */
export type JoinClaim = Checked<typeof checkHello>['join'];
export type Hello = Checked<typeof checkHello>;

export const checkWelcome = object({
  t: literal('welcome'),
  version: integer(1, 65_535),
  controllerId: text(36, { pattern: new RegExp(UUID_PATTERN) }),
  linkKey: bytes32,
  nonce: bytes32,
  eph: bytes32,
  binding: oneOf(BINDINGS),
  /** Number of the node's last link that the controller has counted; 0: none. */
  joined: joinCounter,
  /** From the link key that the hello names to `linkKey`, for a node that has not followed (rule KEYS20). */
  steps: list(checkLinkItem, MOST_LINK_ITEMS),
  sig: signature,
});
export type Welcome = Checked<typeof checkWelcome>;

export const checkProof = object({ t: literal('proof'), sig: signature });
export type Proof = Checked<typeof checkProof>;

export const TRANSCRIPT_LABEL = 'hauban-link-v1';
export const EXPORTER_LABEL = 'EXPORTER-hauban-link';

/** What both sides sign; raw bytes, 32 each for keys and nonces. `bindingValue` is empty without direct TLS. */
export interface Transcript {
  /** Versions that the node offered, as it sent them: without them a proxy could cut the list down to an old version. */
  readonly offered: readonly number[];
  readonly version: number;
  readonly mode: LinkMode;
  readonly nodeId: string;
  readonly nodeLinkKey: Uint8Array;
  readonly controllerId: string;
  readonly controllerLinkKey: Uint8Array;
  readonly nodeNonce: Uint8Array;
  readonly controllerNonce: Uint8Array;
  readonly nodeEph: Uint8Array;
  readonly controllerEph: Uint8Array;
  readonly binding: Binding;
  readonly bindingValue: Uint8Array;
  readonly join: JoinClaim;
  readonly joined: number;
  readonly pinned: string;
  readonly steps: readonly LinkItem[];
}

function lengthPrefixed(field: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + field.length);
  new DataView(out.buffer).setUint32(0, field.length);
  out.set(field, 4);
  return out;
}

/** The bytes that are hashed with SHA-256 (rule HELLO5): unambiguous, since each field carries its length. */
export function transcriptBytes(transcript: Transcript): Uint8Array {
  const fields = [
    utf8(TRANSCRIPT_LABEL),
    utf8(transcript.offered.join(',')),
    utf8(String(transcript.version)),
    utf8(transcript.mode),
    utf8(transcript.nodeId),
    transcript.nodeLinkKey,
    utf8(transcript.controllerId),
    transcript.controllerLinkKey,
    transcript.nodeNonce,
    transcript.controllerNonce,
    transcript.nodeEph,
    transcript.controllerEph,
    utf8(transcript.binding),
    transcript.bindingValue,
    utf8(String(transcript.join.counter)),
    utf8(transcript.join.marks.join(',')),
    utf8(String(transcript.joined)),
    utf8(transcript.pinned),
    utf8(transcript.steps.map(linkItemText).join(',')),
  ];
  return concatBytes(fields.map(lengthPrefixed));
}

export type LinkSide = 'node' | 'controller';

/** The bytes that `side` signs (rule HELLO6). */
export function signedBytes(side: LinkSide, transcriptHash: Uint8Array): Uint8Array {
  return concatBytes([utf8(`${TRANSCRIPT_LABEL} ${side}\0`), transcriptHash]);
}
