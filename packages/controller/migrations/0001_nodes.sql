-- The fleet: nodes as they enrolled and as they last said they are, and the tokens that let them in.

CREATE TABLE join_token (
  id uuid PRIMARY KEY,
  secret_hash text NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  expires_at bigint NOT NULL,
  uses integer NOT NULL CHECK (uses >= 1),
  uses_left integer NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
  labels jsonb NOT NULL,
  roles text[] NOT NULL,
  host_name text,
  deleted_at bigint
);
--> statement-breakpoint
CREATE TABLE node (
  id uuid PRIMARY KEY,
  host_name text NOT NULL,
  -- Ed25519 public keys, base64url: of the link process and of the executor.
  link_key text NOT NULL,
  receipt_key text NOT NULL,
  join_token_id uuid NOT NULL REFERENCES join_token (id),
  labels jsonb NOT NULL,
  roles text[] NOT NULL,
  enrolled_at bigint NOT NULL,
  -- A removed node keeps its row: runs, recordings and audit entries point at it.
  revoked_at bigint,
  -- Grows by one with each link (LIFE3).
  epoch bigint NOT NULL DEFAULT 0,
  -- As the node said last.
  os text NOT NULL,
  agent_version text NOT NULL,
  is_root boolean NOT NULL DEFAULT false,
  boot_id uuid,
  booted_at bigint,
  policy_text text NOT NULL DEFAULT '',
  actions jsonb NOT NULL DEFAULT '[]',
  spool_chunks integer NOT NULL DEFAULT 0,
  -- Null while there is no link.
  connected_at bigint,
  remote_address text,
  last_seen_at bigint
);
--> statement-breakpoint
CREATE UNIQUE INDEX node_link_key ON node (link_key) WHERE revoked_at IS NULL;
