-- Pools: nodes that shall all be in one wished state, what is wished, and how each node differs from it. Work on a node
-- is a row, so that any controller goes on with it after any other died.

CREATE TABLE pool (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  -- Members: these nodes, or those that the selector means at the moment.
  nodes jsonb,
  selector text,
  repair text NOT NULL CHECK (repair IN ('show', 'auto')),
  -- Wishes that may be put right without a person, in an hour.
  budget integer NOT NULL,
  compare_minutes integer NOT NULL,
  -- Grows with every change of what is wished.
  version integer NOT NULL DEFAULT 1,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  CHECK ((nodes IS NULL) <> (selector IS NULL))
);
--> statement-breakpoint
CREATE TABLE pool_item (
  id uuid PRIMARY KEY,
  pool_id uuid NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  -- What it is about: the last wish about a thing is the one that counts.
  key text NOT NULL,
  -- Wishes are put right in this order.
  position bigint GENERATED ALWAYS AS IDENTITY,
  action text NOT NULL,
  args jsonb NOT NULL,
  added_at bigint NOT NULL,
  added_by text NOT NULL,
  -- The run that did it on the pool when it was wished.
  run_id uuid,
  UNIQUE (pool_id, key)
);
--> statement-breakpoint
-- What is known of one node of a pool.
CREATE TABLE pool_node (
  pool_id uuid NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  node_id uuid NOT NULL,
  compared_at bigint NOT NULL,
  -- Of the wishes that it was compared with.
  version integer NOT NULL,
  in_order integer NOT NULL,
  PRIMARY KEY (pool_id, node_id)
);
--> statement-breakpoint
-- A wish that a node does not fulfil. What is in order has no row.
CREATE TABLE pool_drift (
  pool_id uuid NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  node_id uuid NOT NULL,
  item_id uuid NOT NULL REFERENCES pool_item (id) ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('differs', 'blocked')),
  hash text NOT NULL,
  says text NOT NULL,
  changes jsonb NOT NULL,
  -- Since when it is seen like this, and when it was last seen.
  since bigint NOT NULL,
  seen_at bigint NOT NULL,
  -- A person has said of exactly this difference that it is meant to be.
  adopted_by text,
  adopted_at bigint,
  PRIMARY KEY (node_id, item_id)
);
--> statement-breakpoint
CREATE INDEX pool_drift_pool ON pool_drift (pool_id);
--> statement-breakpoint
CREATE TABLE pool_work (
  id uuid PRIMARY KEY,
  pool_id uuid NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  node_id uuid NOT NULL,
  -- 'join': all wishes, and it has failed when one is left; 'repair': those in `items`, or all.
  kind text NOT NULL CHECK (kind IN ('compare', 'repair', 'join')),
  items jsonb,
  requester jsonb NOT NULL,
  reason text,
  phase text NOT NULL CHECK (phase IN ('compare', 'apply')),
  round integer NOT NULL,
  -- Orders of this phase: written before they are made, so that none is made twice.
  chunks jsonb NOT NULL,
  -- Wishes that could not be put right, with the reason; they are not tried again.
  failed jsonb NOT NULL,
  done integer NOT NULL,
  says text NOT NULL,
  created_at bigint NOT NULL,
  finished_at bigint,
  is_well boolean
);
--> statement-breakpoint
-- Two people who repair one node at once start one work.
CREATE UNIQUE INDEX pool_work_open ON pool_work (pool_id, node_id) WHERE finished_at IS NULL;
--> statement-breakpoint
CREATE INDEX pool_work_newest ON pool_work (pool_id, created_at);
