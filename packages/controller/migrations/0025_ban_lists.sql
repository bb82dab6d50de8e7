-- Ban lists: addresses and prefixes that all nodes of the pools that have the list shall ban. A pool is told of them by
-- wishes of its own (pool_item), in parts.

CREATE TABLE ban_list (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  -- Grows with every change of entries and pools; `told` is the one that the pools' wishes were made from.
  version integer NOT NULL DEFAULT 1,
  told integer NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  created_by text NOT NULL
);
--> statement-breakpoint
CREATE TABLE ban_entry (
  list_id uuid NOT NULL REFERENCES ban_list (id) ON DELETE CASCADE,
  -- Canonical: an address, or a prefix with its length.
  target text NOT NULL,
  -- Null: until lifted.
  until bigint,
  reason text NOT NULL,
  added_at bigint NOT NULL,
  added_by text NOT NULL,
  PRIMARY KEY (list_id, target)
);
--> statement-breakpoint
CREATE INDEX ban_entry_until ON ban_entry (until) WHERE until IS NOT NULL;
--> statement-breakpoint
CREATE TABLE ban_list_pool (
  list_id uuid NOT NULL REFERENCES ban_list (id) ON DELETE CASCADE,
  pool_id uuid NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  PRIMARY KEY (list_id, pool_id)
);
