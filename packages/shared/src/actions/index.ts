/** Actions: one file each, the list of them, and the interface `Host` through which they touch a machine. No I/O here. */
export * from './change.ts';
export * from './define-action.ts';
export * from './host.ts';
