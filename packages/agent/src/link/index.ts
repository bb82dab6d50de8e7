/**
 * The link process: dials the controller, keeps the link up, and passes on what comes either way. It has no privilege
 * and checks no order; it may not import the executor, host changes, or anything that a taken-over process could use.
 */
export { AreaFeed } from './area-feed.ts';
export { AuditWitness } from './audit-witness.ts';
export { ClockOffset } from './clock-offset.ts';
export { ControllerKeys } from './controller-keys.ts';
export { watchConfigFiles } from './config-watch.ts';
export { createWebSocketDial, type Dial } from './dial.ts';
export { ExecutorClient } from './executor-client.ts';
export { InventoryFeed } from './inventory-feed.ts';
export { createJoinLedger, type LedgerStore } from './join-ledger.ts';
export { KeyRotation, type LinkKeyStore } from './key-rotation.ts';
export { createLinkKeyFiles, loadFormerLinkKeys } from './link-key-files.ts';
export { LinkKeeper, type LinkIdentity } from './link-keeper.ts';
export type { LinkLog } from './link-log.ts';
export { MetricsFeed } from './metrics-feed.ts';
export { NodeLink } from './node-link.ts';
export { RecordingUpload } from './recording-upload.ts';
export { ShellRelay } from './shell-relay.ts';
export { watchAreas } from './watch-areas.ts';
