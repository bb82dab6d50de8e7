-- What is in each node: every section as it is now, and every change with its time.

CREATE TABLE inventory_section (
  node_id uuid NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  name text NOT NULL,
  hash text NOT NULL,
  data jsonb,
  taken_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (node_id, name)
);
--> statement-breakpoint
CREATE TABLE inventory_change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node_id uuid NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  section text NOT NULL,
  at bigint NOT NULL,
  path text NOT NULL,
  -- Null: absent.
  before jsonb,
  after jsonb
);
--> statement-breakpoint
CREATE INDEX inventory_change_node ON inventory_change (node_id, id DESC);
