/**
 * The dress rehearsal: a candidate configuration of Apache is started for real in private namespaces before anything
 * live is touched. What to do is here; programs, files and mounts come in as arguments.
 */
export { parseDirectives, type Directive } from './apache-directives.ts';
export { parseApacheFault, type Fault } from './apache-fault.ts';
export { runRehearsal, type RehearsalJob, type RehearsalTools, type RehearsedServer } from './run-rehearsal.ts';
