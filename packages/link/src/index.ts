/**
 * Both ends of the signed link on `node:crypto`: keys, handshake, frames, signed documents, and the framing of the
 * Unix sockets on a node. Shared by agent and controller. No `ws` (a transport is handed in), no logging, no
 * configuration; only `key-file.ts` touches the disk.
 */
export { approvalChallenge, approvalsNeeded, verifyApprovals, type VerifiedApprovals } from './approval.ts';
export {
  authorityBundleKeys,
  authorityOrderKeys,
  authorityStepChallenge,
  authorityStepHash,
  authorityVersion,
  followSteps,
  verifyNextStep,
  type AuthorityChain,
} from './authority-chain.ts';
export { verifyAssertion, type VerifiedAssertion } from './assertion.ts';
export {
  bundleChallenge,
  bundleHash,
  parseBundle,
  signBundle,
  verifyNextBundle,
  type BundleTrust,
  type NextBundle,
} from './bundle.ts';
export { auditCrypto, signAuditExportEnd, signAuditHead } from './audit-statements.ts';
export { canonicalJson, planHash } from './canonical-json.ts';
export { signDetached } from './detached-jws.ts';
export { sha256, sha256Base64Url, sha256Hex } from './digest.ts';
export {
  createFrameChannel,
  type BodyType,
  type ChannelCounts,
  type ChannelEnd,
  type ChannelEvents,
  type ChannelOptions,
  type ControlOf,
  type Echo,
  type FrameChannel,
} from './frame-channel.ts';
export {
  createFrameOpener,
  createFrameSealer,
  type FrameOpener,
  type FrameSealer,
  type OpenedFrame,
} from './frame-cipher.ts';
export {
  acceptProof,
  answerWelcome,
  linkItemsIn,
  readHello,
  startHandshake,
  welcomeNode,
  type ControllerIdentity,
  type Established,
  type ExpectedController,
  type HandshakeStart,
  type NodeEstablished,
  type ReadExporter,
  type SentHello,
  type SentWelcome,
} from './handshake.ts';
export { formatJoinToken, parseJoinToken, type JoinToken } from './join-token.ts';
export {
  peekJws,
  signJws,
  verifyJws,
  type JwsKind,
  type JwsProblem,
  type PinnedKeys,
  type VerifiedJws,
} from './jws.ts';
export { loadKeyPair, loadOrCreateKeyPair, storeKeyPair, writeDurably, type DurableMeta } from './key-file.ts';
export {
  createKeyPair,
  keyPairToJwk,
  keyThumbprint,
  parseKeyPair,
  publicKeyFrom,
  signBytes,
  verifyBytes,
  type KeyPair,
} from './key-pair.ts';
export {
  followLinkItems,
  linkKeysAt,
  linkStepHash,
  newestLinkKey,
  signLinkStep,
  type LinkChain,
} from './link-chain.ts';
export {
  createEphemeralKey,
  deriveLinkKeys,
  type DirectionKey,
  type EphemeralKey,
  type LinkKeys,
} from './link-keys.ts';
export { createLocalConnection, type LocalConnection, type LocalConnectionEvents } from './local-connection.ts';
export {
  createLocalReader,
  encodeLocalFrame,
  type LocalFrame,
  type LocalKind,
  type LocalRead,
  type LocalReader,
} from './local-framing.ts';
export { acceptPeers, type PeerRules } from './peer-credentials.ts';
export { receiptStepHash, verifyReceiptStep, type ReceiptKeyHeld, type TakenReceiptStep } from './receipt-chain.ts';
export { refuse, type Refusal } from './refusal.ts';
export type { SendOutcome } from './send-outcome.ts';
export {
  orderHash,
  pinnedKeys,
  RECEIPT_PROOF_TYPE,
  isKeyRotationBy,
  signKeyRotation,
  signOrder,
  signReceipt,
  signReceiptProof,
  signRecordingHeader,
  verifyOrder,
  verifyReceipt,
  verifyReceiptProof,
  type KeyRotationOf,
  verifyRecordingHeader,
  type ReceiptProofOf,
  type Verified,
} from './signed-documents.ts';
export { systemClock, systemRandom } from './system-clock.ts';
export { readTlsBinding, type KeyingSocket } from './tls-binding.ts';
export type { Transport, TransportEvents } from './transport.ts';
export { createWebSocketTransport, type WebSocketLike } from './web-socket-transport.ts';
