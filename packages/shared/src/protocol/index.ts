/** The wire: handshake, frames, messages, orders and receipts, as SPEC.md rules them. Bytes and shapes only, no I/O. */
export * from './approval.ts';
export * from './authority-step.ts';
export * from './bytes.ts';
export * from './check.ts';
export * from './close-codes.ts';
export * from './frames.ts';
export * from './handshake.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './link-step.ts';
export * from './receipt-step.ts';
export * from './local.ts';
export * from './messages.ts';
export * from './order.ts';
export * from './shell-exit.ts';
export * from './trust-bundle.ts';
export * from './version.ts';
