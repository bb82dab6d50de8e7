/**
 * The real machine: programs, files, accounts, Apache, PHP and the firewall behind the interface `Host`, and what the
 * inventory may read. Only this room (with shell/ and executor/) starts programs; it never uses a shell.
 */
export { createRealHost, type RealHost } from './real-host.ts';
export { withinPrograms } from './listed-programs.ts';
export type { NeverBan } from './never-ban.ts';
export { checkPin } from './custom/custom-drivers.ts';
export type { CustomParts, PinAnswer } from './custom/custom-parts.ts';
export { listCustomFolders, readCustomFolder } from './custom/custom-folder.ts';
export { ROOT_TRUST } from './safe-path.ts';
