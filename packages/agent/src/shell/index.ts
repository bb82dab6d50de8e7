/**
 * Shells: one process each, with its terminal, its recorder and the socket where the link process attaches. It checks
 * no permit: the executor did, and starts it with everything decided. May not import executor/ or link/. The executor
 * imports single files of this room, so that it does not load the terminal.
 */
export { runShellHost } from './run-shell-host.ts';
