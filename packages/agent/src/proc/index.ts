/**
 * What the kernel and systemd say about this machine: /proc and /sys below a given root folder, statfs, and one
 * question to the message bus. Files stay open and are read again from their beginning; nothing here starts a
 * program. Bytes and numbers only: what they mean is for `collectors/`.
 */
export { readBootId } from './boot-id.ts';
export { readFileSystemUsage, type FileSystemUsage } from './file-system-usage.ts';
export { createFailedUnitsQuery, SYSTEM_BUS_PATH, type FailedUnitsQuery } from './failed-units-query.ts';
export { createKeyValues } from './key-values.ts';
export { createLineScanner, type LineScanner } from './line-scanner.ts';
export { listMounts, type Mount } from './mounts.ts';
export { createNamedRows } from './named-rows.ts';
export { createPairedLines } from './paired-lines.ts';
export { openProcFiles, type ProcFile, type ProcFiles } from './proc-files.ts';
export { createProcessWalk, type ProcessWalk } from './process-walk.ts';
