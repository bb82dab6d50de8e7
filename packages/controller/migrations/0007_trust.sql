-- The policy bundle and its approvals; runs and shells that wait for people. The signer keeps bundles of its own and the
-- nodes check everything by themselves: whoever edits these tables can delay, and cannot have anything done.

CREATE TABLE trust_bundle (
  version integer PRIMARY KEY,
  -- As it was signed, with the owners' approvals: sent to nodes as it is.
  signed jsonb NOT NULL,
  stored_at bigint NOT NULL
);
--> statement-breakpoint
-- One at a time: a new draft takes the place of the one before, and its approvals go with it.
CREATE TABLE trust_draft (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  bundle jsonb NOT NULL,
  hash text NOT NULL,
  drafted_by text NOT NULL,
  drafted_at bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE trust_node (
  node_id uuid PRIMARY KEY REFERENCES node (id),
  version integer NOT NULL,
  said_at bigint NOT NULL
);
--> statement-breakpoint
-- A run or a shell that waits. The id is that of the run, or of the shell's session.
CREATE TABLE approval_request (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('run', 'shell')),
  state text NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'expired', 'used')),
  statement jsonb NOT NULL,
  needed integer NOT NULL,
  requester_id text NOT NULL,
  requester text NOT NULL,
  asked_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX approval_request_open ON approval_request (expires_at) WHERE state IN ('waiting', 'approved');
--> statement-breakpoint
-- One of each person: for a request its id, for a draft its hash.
CREATE TABLE approval (
  subject text NOT NULL,
  operator uuid NOT NULL,
  name text NOT NULL,
  assertion jsonb NOT NULL,
  given_at bigint NOT NULL,
  PRIMARY KEY (subject, operator)
);
--> statement-breakpoint
-- True: its orders are not signed before `approval` (nodes and assertions) is there.
ALTER TABLE run ADD COLUMN needs_approval boolean NOT NULL DEFAULT false;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN approval jsonb;
