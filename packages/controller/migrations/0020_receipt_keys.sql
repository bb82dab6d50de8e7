-- Receipt keys of nodes that were replaced: what they signed stays verifiable, and what they sign for later orders is refused.

CREATE TABLE receipt_key (
  node_id uuid NOT NULL REFERENCES node (id),
  -- Thumbprint of the key, as it stands in the header of a receipt.
  kid text NOT NULL,
  key text NOT NULL,
  -- Since the enrolment that made the first one.
  version integer NOT NULL,
  since_at bigint NOT NULL,
  -- By this controller's clock: receipts for orders that were issued later are refused.
  until_at bigint NOT NULL,
  -- From here on nothing is taken from it any more: the node was enrolled again.
  void_at bigint,
  -- The statement by which both keys hand over; null: an enrolment did.
  handed_over jsonb,
  PRIMARY KEY (node_id, kid)
);
--> statement-breakpoint
ALTER TABLE node ADD COLUMN receipt_key_version integer NOT NULL DEFAULT 1;
--> statement-breakpoint
-- Null: since the enrolment.
ALTER TABLE node ADD COLUMN receipt_key_since bigint;
--> statement-breakpoint
-- Of the step that led to the key that counts.
ALTER TABLE node ADD COLUMN receipt_step_hash text;
