-- The audit log: append-only, each row holds the hash of the one before it. The tail is one row: whoever appends locks
-- it, so the chain has no fork. Appending is one function and the last statement of a transaction, so that the lock
-- is held no longer than that statement and the commit.

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
--> statement-breakpoint
-- Appends rows given as a JSON list, in order. `body` is the canonical JSON of the row without its place; the hash is
-- SHA-256 (hex) over: hash of the row before, line feed, seq, line feed, body (audit-chain.ts checks it).
CREATE FUNCTION append_audit(entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tail audit_tail;
  entry jsonb;
  prev text;
BEGIN
  SELECT * INTO STRICT tail FROM audit_tail FOR UPDATE;
  FOR entry IN SELECT value FROM jsonb_array_elements(entries) WITH ORDINALITY ORDER BY ordinality LOOP
    prev := tail.hash;
    tail.seq := tail.seq + 1;
    tail.hash := encode(sha256(convert_to(prev || E'\n' || tail.seq || E'\n' || (entry->>'body'), 'UTF8')), 'hex');
    INSERT INTO audit_entry VALUES (
      tail.seq, (entry->>'at')::bigint, entry->>'code', entry->>'who', entry->>'address', (entry->>'nodeId')::uuid,
      entry->>'hostName', (entry->>'orderId')::uuid, entry->>'outcome', entry->>'detail', prev, tail.hash
    );
  END LOOP;
  UPDATE audit_tail SET seq = tail.seq, hash = tail.hash;
END
$$;
