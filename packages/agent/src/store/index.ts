/**
 * Durable files of the privileged side: the order journal, recordings, and how a file is written so that a crash leaves
 * the old or the new one. Bytes and names only; what they mean is known in executor/ and shell/.
 */
export * from './claim-folder.ts';
export * from './folder-there.ts';
export * from './folder-watch.ts';
export * from './journal-file.ts';
export * from './policy-source.ts';
export * from './read-own-file.ts';
export * from './recording-folder.ts';
export * from './shell-exchange.ts';
export * from './socket-file.ts';
export * from './undo-folder.ts';
export * from './write-durably.ts';
