-- Steps from one link key of this controller to the next, as they were signed by the authority and both link keys. Nodes
-- check each by themselves: whoever edits this table can delay, and cannot have another key gone by.

CREATE TABLE link_step (
  -- Of the key that the step leads to; the first key is version 1.
  version integer PRIMARY KEY,
  signed jsonb NOT NULL,
  stored_at bigint NOT NULL
);
--> statement-breakpoint
-- The link key of the controller that the node said it goes by; null: it has not said.
ALTER TABLE trust_node ADD COLUMN link_key text;
