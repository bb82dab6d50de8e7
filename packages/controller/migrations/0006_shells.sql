-- Shells, their recordings, and the chunks that recordings are made of.

CREATE TABLE shell_session (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL UNIQUE,
  node_id uuid NOT NULL REFERENCES node (id),
  -- Login name on the node.
  login text NOT NULL,
  opened_by_id text NOT NULL,
  opened_by text NOT NULL,
  reason text,
  state text NOT NULL CHECK (state IN ('requested', 'open', 'ended', 'refused')),
  detail text NOT NULL DEFAULT '',
  -- The signed permit and the node's signed answer: evidence for ever. The permit is null when it was not signed.
  permit text,
  permit_hash text,
  receipt text,
  requested_at bigint NOT NULL,
  opened_at bigint,
  ended_at bigint
);
--> statement-breakpoint
CREATE INDEX shell_session_requested ON shell_session (requested_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX shell_session_open ON shell_session (node_id) WHERE state IN ('requested', 'open');
--> statement-breakpoint
-- Where the chain of chunks of one session stands; there is none before its first chunk.
CREATE TABLE recording (
  session_id uuid PRIMARY KEY REFERENCES shell_session (id),
  state text NOT NULL CHECK (state IN ('recording', 'complete', 'broken')),
  -- What was wrong first.
  problem text,
  chunks integer NOT NULL,
  next_index integer NOT NULL,
  last_hash text NOT NULL,
  output_bytes bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  -- How the session ended, from the last chunk.
  ended text
);
--> statement-breakpoint
-- Signed chunks as they came; `data` is deflated asciicast text, which compresses no further.
CREATE TABLE recording_chunk (
  session_id uuid NOT NULL REFERENCES shell_session (id),
  index integer NOT NULL,
  jws text NOT NULL,
  jws_hash text NOT NULL,
  data bytea NOT NULL,
  problem text,
  received_at bigint NOT NULL,
  PRIMARY KEY (session_id, index)
);
--> statement-breakpoint
ALTER TABLE recording_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
--> statement-breakpoint
-- What a node sent as a chunk and is none: kept for a person to look at, never played.
CREATE TABLE recording_reject (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node_id uuid NOT NULL,
  session_id uuid NOT NULL,
  index integer NOT NULL,
  problem text NOT NULL,
  jws text NOT NULL,
  data bytea NOT NULL,
  received_at bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX recording_reject_node ON recording_reject (node_id);
