/**
 * The one table of error codes. A code is stable for ever: programs compare codes, never text.
 * `http` is the REST status; `retryable` says whether the same request may succeed later without a change;
 * `isSafe` says whether `detail` may be shown to the person who asked (an unsafe detail is logged only).
 */
export interface ErrorInfo {
  readonly http: number;
  readonly retryable: boolean;
  readonly isSafe: boolean;
  readonly title: string;
}

const row = (http: number, title: string, options: { retryable?: boolean; isSafe?: boolean } = {}): ErrorInfo => ({
  http,
  retryable: options.retryable ?? false,
  isSafe: options.isSafe ?? true,
  title,
});

export const ERROR_CODES = {
  // Requests
  BAD_REQUEST: row(400, 'The request does not fit its schema'),
  NOT_SIGNED_IN: row(401, 'Sign in first'),
  SIGN_IN_REFUSED: row(401, 'The name, password or passkey is not right'),
  SECOND_FACTOR_NEEDED: row(401, 'The password is right; a code of the second factor is needed as well'),
  SECOND_FACTOR_UNREADABLE: row(503, 'The secret of the authenticator app cannot be opened on the controller'),
  SIGN_ON_REFUSED: row(403, 'The sign-on by an identity provider was refused'),
  SIGN_ON_DOWN: row(503, 'The identity provider does not answer', { retryable: true }),
  FORBIDDEN: row(403, 'This account may not do that'),
  ORIGIN_REFUSED: row(403, 'The request came from another site'),
  NOT_FOUND: row(404, 'There is no such thing'),
  CONFLICT: row(409, 'The state has changed meanwhile'),
  PLAN_CHANGED: row(409, 'The plan differs from the one that was confirmed'),
  PAYLOAD_TOO_LARGE: row(413, 'The request is too large'),
  RATE_LIMITED: row(429, 'Too many requests', { retryable: true }),
  INTERNAL: row(500, 'A fault of ours; the log has the details', { isSafe: false }),
  UNAVAILABLE: row(503, 'A part that this needs does not answer', { retryable: true }),
  NODE_OFFLINE: row(503, 'The node is not connected', { retryable: true }),
  SETUP_DONE: row(409, 'The first account exists already'),
  SETUP_TOKEN_REFUSED: row(403, 'The set-up link is not valid'),
  // Enrolment
  TOKEN_UNKNOWN: row(403, 'The join token is not known'),
  TOKEN_EXPIRED: row(403, 'The join token has expired'),
  LINK_KEY_REFUSED: row(403, 'The new link key of a node is not proven, or begins at a key that is not its own'),
  TOKEN_USED_UP: row(403, 'The join token has been used up'),
  TOKEN_WRONG_HOST: row(403, 'The join token is for another host name'),
  ENROLMENT_REFUSED: row(403, 'The enrolment was refused'),
  // Link
  LINK_HANDSHAKE_FAILED: row(400, 'The link handshake failed'),
  LINK_FRAME_REFUSED: row(400, 'A frame was altered, replayed, reordered or too large'),
  LINK_VERSION: row(400, 'No protocol version in common'),
  LINK_CONTROLLER_IDENTITY: row(400, 'The controller is not the one that this node is pinned to'),
  LINK_LOST: row(503, 'The link was lost', { retryable: true }),
  // Orders: refusals of the executor, in the order in which they are checked
  ORDER_MALFORMED: row(400, 'The order is not well-formed'),
  ORDER_SIGNATURE: row(403, 'The order is not signed by the authority of this node'),
  ORDER_AUDIENCE: row(403, 'The order is for another node'),
  ORDER_EXPIRED: row(403, 'The order has expired'),
  ORDER_NOT_YET_VALID: row(403, 'The order is from the future: compare the clocks'),
  ORDER_REPLAYED: row(403, 'An order with this id but other content was seen before'),
  ORDER_INTERRUPTED: row(500, 'The executor of the node was stopped in the middle; what had begun was undone', {
    retryable: true,
  }),
  ACTION_UNKNOWN: row(404, 'This node does not know that action'),
  ACTION_ARGUMENTS: row(400, "The arguments do not fit the action's schema"),
  APPROVAL_MISSING: row(403, 'The order has fewer approvals of different people than the policy bundle asks for'),
  APPROVAL_TARGETS: row(403, 'The approvals are for other nodes, or it is not said properly for which'),
  APPROVAL_CONTROLLER: row(403, 'The approvals are for the orders of another controller'),
  APPROVAL_SELF: row(403, 'Who asked may not approve it too'),
  APPROVAL_REPEATED: row(403, 'One person approved twice'),
  APPROVAL_OPERATOR: row(403, 'It is approved by somebody who may not approve it'),
  APPROVAL_CREDENTIAL: row(403, 'It is approved with a key that the policy bundle does not list for that person'),
  APPROVAL_MALFORMED: row(400, 'An approval is not well-formed'),
  APPROVAL_CHALLENGE: row(403, 'An approval is about something else'),
  APPROVAL_ORIGIN: row(403, 'An approval was made on another page'),
  APPROVAL_PRESENCE: row(403, 'An approval was made without its owner being present and verified'),
  APPROVAL_SIGNATURE: row(403, 'The signature of an approval is wrong'),
  APPROVAL_NEEDED: row(409, 'Other people have to approve this first'),
  APPROVAL_REFUSED: row(403, 'A person refused to approve it'),
  REQUESTER_UNKNOWN: row(403, 'The signer signs nothing for this requester'),
  SIGN_NOT_ALLOWED: row(403, 'The roles that the owners have signed do not allow who asked to do this'),
  POLICY_DENIED: row(403, "The node's own policy file does not allow this"),
  RECEIPT_REFUSED: row(403, "The receipt is not signed by this node's key"),
  RECEIPT_RETIRED: row(403, 'It is signed by a receipt key that had been replaced when the order was issued'),
  // Receipt keys of nodes, in the order in which a step is checked
  RECEIPT_STEP_MALFORMED: row(400, "The statement about the node's receipt key is not well-formed"),
  RECEIPT_STEP_NODE: row(403, 'The new receipt key is for another node, or for the node of another controller'),
  RECEIPT_STEP_FORKED: row(403, 'The new receipt key does not follow on the one that the node goes by'),
  RECEIPT_STEP_SIGNATURE: row(403, 'The new receipt key is not signed for by the one before and by itself'),
  RECEIPT_STEP_TOO_MANY: row(429, 'The node has replaced its receipt key too often today'),
  // Policy bundles, in the order in which they are checked
  BUNDLE_MALFORMED: row(400, 'The policy bundle is not well-formed'),
  BUNDLE_SIGNATURE: row(403, 'The policy bundle is not signed by the authority of this node'),
  BUNDLE_CONTROLLER: row(403, 'The policy bundle is for the nodes of another controller'),
  BUNDLE_OLD: row(403, 'The policy bundle is older than the one that is held'),
  BUNDLE_FORKED: row(403, 'The policy bundle does not follow from the one that is held'),
  BUNDLE_SKIPPED: row(403, 'A version of the policy bundle is missing in between'),
  BUNDLE_QUORUM: row(403, 'The policy bundle has fewer approvals of owners than its predecessor asks for'),
  BUNDLE_UNUSABLE: row(409, 'The policy bundle would lock everybody out'),
  BUNDLE_DAMAGED: row(500, "The node's copy of the policy bundle is damaged, so nothing dangerous is done there"),
  // Authority keys, in the order in which a step is checked
  AUTHORITY_MALFORMED: row(400, 'The statement about the authority key is not well-formed'),
  AUTHORITY_SIGNATURE: row(403, 'The new authority key is not signed for by the one before and by itself'),
  AUTHORITY_CONTROLLER: row(403, 'The new authority key is for the nodes of another controller'),
  AUTHORITY_OLD: row(403, 'The authority key is older than the one that is obeyed'),
  AUTHORITY_FORKED: row(403, 'The new authority key does not follow on the one that is obeyed'),
  AUTHORITY_SKIPPED: row(403, 'A step between authority keys, or a policy bundle, is missing in between'),
  AUTHORITY_QUORUM: row(403, 'The new authority key has fewer approvals of owners than the policy bundle asks for'),
  AUTHORITY_STALE: row(409, 'The draft of the new authority key is not of today any more'),
  AUTHORITY_RETIRED: row(403, 'The order is signed by an authority key that was replaced'),
  AUTHORITY_DAMAGED: row(500, "The node's copy of the authority keys is damaged, so no order is carried out there"),
  LINK_STEP_MALFORMED: row(400, "The statement about the controller's link key is not well-formed"),
  LINK_STEP_SIGNATURE: row(
    403,
    "The controller's new link key is not signed for by the authority, the key before and itself",
  ),
  LINK_STEP_AUTHORITY: row(403, "The controller's new link key is signed for by an authority key that is not obeyed"),
  LINK_STEP_CONTROLLER: row(403, 'The new link key is for the nodes of another controller'),
  LINK_STEP_OLD: row(403, "The controller's link key is older than the one that is gone by"),
  LINK_STEP_FORKED: row(403, "The controller's new link key does not follow on the one that is gone by"),
  LINK_STEP_RETIRED: row(403, 'The controller has a link key that was replaced'),
  LINK_STEP_NOT_ALLOWED: row(403, 'Nobody on the machine of the signer has allowed this new link key'),
  // Actions
  ACTION_REFUSED: row(409, 'The action refused: a precondition does not hold'),
  ACTION_FAILED: row(500, 'The action failed and was undone'),
  ACTION_UNDO_FAILED: row(500, 'The action failed and could not be undone completely'),
  ACTION_TIMEOUT: row(504, 'The action took too long and was undone'),
  VERIFY_FAILED: row(500, 'The change did not have the intended effect and was undone'),
  CHANGE_CONFLICT: row(409, 'Something else changed the same thing at the same time'),
  CONFIG_INVALID: row(409, 'The configuration does not pass its test'),
  REHEARSAL_FAILED: row(409, 'The candidate configuration does not start'),
  CUSTOM_REFUSED: row(403, 'The custom action on this node is not one that root has allowed there'),
  UNDO_UNKNOWN: row(404, 'The node keeps no changes of that order that could be undone'),
  UNDO_MISMATCH: row(403, 'The order that is to be undone was for another action or other arguments'),
  UNDO_IMPOSSIBLE: row(409, 'What that order did can not be taken back'),
  UNDO_DONE: row(409, 'That order is undone already'),
  UNDO_SUPERSEDED: row(409, 'A later order changed the same things: undo that one first'),
  LOCK_BUSY: row(409, 'Another action holds the same lock', { retryable: true }),
  WINDOW_CLOSED: row(409, 'A maintenance window lets it begin only when it would have expired'),
  // Host
  PROGRAM_FAILED: row(500, 'A program ended with an error'),
  PROGRAM_MISSING: row(500, 'A program is not installed on this node'),
  PROGRAM_TIMEOUT: row(504, 'A program did not end in time'),
  FILE_UNSAFE: row(500, 'A path is not safe to touch as root'),
  FILE_FAILED: row(500, 'A file operation failed'),
  NEEDS_ROOT: row(403, 'This needs the executor to run as root'),
  // Shells
  SHELL_REFUSED: row(403, 'The shell was refused'),
  SHELL_GONE: row(410, 'The shell session is over'),
  RECORDING_BROKEN: row(409, 'The recording has a gap or a wrong signature'),
  // Configuration and start
  BACKUP_DAMAGED: row(400, 'The backup is damaged, of another version, or under another passphrase'),
  CONFIG_BAD: row(500, 'The configuration is not usable'),
  DATA_IN_USE: row(500, 'Another copy uses this data folder'),
  PORT_IN_USE: row(500, 'The port is in use'),
  DATABASE: row(503, 'The database does not answer', { retryable: true, isSafe: false }),
} as const satisfies Record<string, ErrorInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** True when `code` is one of ours; the other side may be newer than we are. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
