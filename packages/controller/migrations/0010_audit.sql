-- Signed heads of the audit log, and what was found out about it from outside.

CREATE TABLE audit_head (
  -- Row that it names; the log had this hash there when it was signed.
  seq bigint PRIMARY KEY CHECK (seq > 0),
  hash text NOT NULL,
  at bigint NOT NULL,
  -- Public key that it was signed by: with it, heads of before a key's rotation are still known as ours.
  key text NOT NULL,
  jws text NOT NULL
);
--> statement-breakpoint
CREATE TRIGGER audit_head_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_head
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
--> statement-breakpoint
-- A head that somebody else kept and that this log does not contain: once each, until a person has looked at it.
CREATE TABLE audit_finding (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('behind', 'differs')),
  seq bigint NOT NULL,
  hash text NOT NULL,
  jws text NOT NULL,
  -- Who kept it: a node, or the file of the outside witness (null).
  node_id uuid,
  found_at bigint NOT NULL,
  acknowledged_at bigint,
  acknowledged_by text,
  UNIQUE (seq, hash)
);
