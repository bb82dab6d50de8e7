/**
 * The join: keys made here, the token spent over the link, trust written last. Run by a person (as root on an installed
 * node). May use the link and the files of the store; starts no program.
 */
export { runEnrol } from './enrol-command.ts';
export { enrolNode, type EnrolOptions, type EnrolOutcome } from './enrol-node.ts';
