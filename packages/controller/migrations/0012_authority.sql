-- Steps from one authority key to the next, as they were signed. The signer keeps its own, and nodes check each by
-- themselves: whoever edits these tables can delay, and cannot have another key obeyed.

CREATE TABLE trust_step (
  -- Of the key that the step leads to; the first key is version 1.
  version integer PRIMARY KEY,
  signed jsonb NOT NULL,
  stored_at bigint NOT NULL
);
--> statement-breakpoint
-- One at a time, where owners have to approve it.
CREATE TABLE trust_step_draft (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  step jsonb NOT NULL,
  hash text NOT NULL,
  drafted_by text NOT NULL,
  drafted_at bigint NOT NULL
);
--> statement-breakpoint
-- The authority key that the node said it obeys; 0: it could not say.
ALTER TABLE trust_node ADD COLUMN authority integer NOT NULL DEFAULT 1;
