-- Runs (one request of a person) and their targets (one node each, one signed order each).
-- The queue is these rows; runs.service.ts describes the states.

CREATE TABLE run (
  id uuid PRIMARY KEY,
  action text NOT NULL,
  action_version integer NOT NULL,
  mode text NOT NULL CHECK (mode IN ('plan', 'apply')),
  args jsonb NOT NULL,
  plan_hash text,
  requester_id text NOT NULL,
  requester text NOT NULL,
  via text NOT NULL CHECK (via IN ('page', 'cli', 'api', 'system')),
  reason text,
  idempotency_key text,
  -- SHA-256 of the request's content: the same key with another content is a conflict.
  request_hash text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  finished_at bigint,
  -- Targets that are not in a final state yet.
  open_targets integer NOT NULL CHECK (open_targets >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX run_idempotency ON run (requester_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
--> statement-breakpoint
CREATE INDEX run_created ON run (created_at DESC, id DESC);
--> statement-breakpoint
CREATE TABLE run_target (
  order_id uuid PRIMARY KEY,
  -- Checked at the commit: run and targets are written side by side.
  run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  node_id uuid NOT NULL REFERENCES node (id),
  state text NOT NULL CHECK (state IN (
    'queued', 'leased', 'delivered', 'started',
    'succeeded', 'unchanged', 'failed', 'refused', 'expired', 'cancelled', 'superseded', 'undetermined'
  )),
  -- The signed order, stored before it is sent: a repetition is byte for byte the same. Null until it is signed.
  jws text,
  order_hash text,
  expires_at bigint NOT NULL,
  code text,
  detail text NOT NULL DEFAULT '',
  plan jsonb,
  verification jsonb NOT NULL DEFAULT '[]',
  data jsonb,
  -- The node's signed receipt: evidence for ever.
  receipt text,
  leased_at bigint,
  delivered_at bigint,
  started_at bigint,
  finished_at bigint
);
--> statement-breakpoint
CREATE INDEX run_target_run ON run_target (run_id);
--> statement-breakpoint
CREATE INDEX run_target_node ON run_target (node_id);
--> statement-breakpoint
CREATE INDEX run_target_open ON run_target (node_id) WHERE finished_at IS NULL;
--> statement-breakpoint
CREATE INDEX run_target_expiry ON run_target (expires_at) WHERE finished_at IS NULL;
--> statement-breakpoint
-- User ids of hosting accounts over the whole fleet: given once, never to another account.
CREATE TABLE account_uid (
  uid integer PRIMARY KEY CHECK (uid BETWEEN 100000 AND 499999),
  account text NOT NULL UNIQUE,
  allocated_at bigint NOT NULL
);
--> statement-breakpoint
CREATE SEQUENCE account_uid_next AS integer MINVALUE 100000 MAXVALUE 499999 NO CYCLE;
