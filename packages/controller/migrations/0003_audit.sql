-- The audit log: append-only, each row holds the hash of the one before it (audit-chain.ts says over what).
-- The tail is one row: whoever appends locks it, so the chain has no fork, and it is the last thing a transaction does.

CREATE TABLE audit_entry (
  seq bigint PRIMARY KEY,
  at bigint NOT NULL,
  code text NOT NULL,
  who text NOT NULL,
  address text,
  node_id uuid,
  host_name text,
  order_id uuid,
  outcome text NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
  -- JSON text, byte for byte what was hashed.
  detail text NOT NULL,
  prev_hash text NOT NULL,
  hash text NOT NULL
);
--> statement-breakpoint
CREATE INDEX audit_entry_code ON audit_entry (code, seq DESC);
--> statement-breakpoint
CREATE INDEX audit_entry_who ON audit_entry (who, seq DESC);
--> statement-breakpoint
CREATE INDEX audit_entry_node ON audit_entry (node_id, seq DESC) WHERE node_id IS NOT NULL;
--> statement-breakpoint
CREATE TABLE audit_tail (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  seq bigint NOT NULL,
  hash text NOT NULL
);
--> statement-breakpoint
INSERT INTO audit_tail (seq, hash) VALUES (0, repeat('0', 64));
--> statement-breakpoint
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
