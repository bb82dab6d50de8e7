import type { ErrorBody } from '@hauban/shared/errors';

/** What the exit status of `hauban` means; stable, so that scripts may rely on it. */
export const EXIT = {
  ok: 0,
  /** The action failed on at least one node (and was undone), or a fault of the controller. */
  failed: 1,
  /** The command line is not right. */
  usage: 2,
  /** Not signed in, or this account may not do that. */
  notAllowed: 3,
  notFound: 4,
  /** A node refused: its policy file, the action's schema, a precondition. */
  refused: 5,
  /** The controller or the node cannot be reached. */
  unreachable: 6,
  /** Nobody knows yet whether it happened. */
  undetermined: 7,
  /** Ctrl-C: the run goes on without this command. */
  detached: 130,
} as const;

/** Exit status for an error that the controller answered with. */
export function exitForError(body: Pick<ErrorBody, 'code'>, httpStatus: number): number {
  if (body.code === 'NODE_OFFLINE' || body.code === 'UNAVAILABLE' || body.code === 'DATABASE') return EXIT.unreachable;
  if (httpStatus === 401 || httpStatus === 403) return EXIT.notAllowed;
  if (httpStatus === 404) return EXIT.notFound;
  if (httpStatus === 400) return EXIT.usage;
  if (httpStatus === 409) return EXIT.refused;
  return EXIT.failed;
}

const UNKNOWN: readonly string[] = ['undetermined', 'undo-undetermined', 'undo-failed', 'undo-refused', 'undo-expired'];
const FAILED: readonly string[] = ['failed', 'harmed'];
const NOT_DONE: readonly string[] = ['expired', 'waiting', 'queued', 'leased', 'delivered', 'started', 'cancelled'];

/** Worst outcome decides. States as a run counts them: `harmed` and `undo-...`, too. */
export function exitForStates(states: readonly string[]): number {
  const has = (some: readonly string[]): boolean => states.some((state) => some.includes(state));
  if (has(UNKNOWN)) return EXIT.undetermined;
  if (has(FAILED)) return EXIT.failed;
  if (has(['refused'])) return EXIT.refused;
  return has(NOT_DONE) ? EXIT.unreachable : EXIT.ok;
}
