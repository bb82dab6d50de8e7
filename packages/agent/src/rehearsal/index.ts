/**
 * The dress rehearsal: a candidate configuration of Apache is started for real in private namespaces before anything
 * live is touched. What to do is here; programs, files and mounts come in as arguments.
 */
export { parseDirectives } from './apache-directives.ts';
export { parseApacheFault } from './apache-fault.ts';
export { runRehearsal, type RehearsalEnd, type RehearsalJob, type RehearsalTools } from './run-rehearsal.ts';
