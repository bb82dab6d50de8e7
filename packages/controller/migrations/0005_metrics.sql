-- Metrics. A node sends sealed chunks of at most 5 minutes; here is one row for each, one column a family of series, as the
-- node packed them (already deflated: EXTERNAL keeps TOAST from trying again). Partitions are made by code, days ahead, and
-- dropped whole. `day` is days since 1970 in UTC of the chunk's start; (node_id, day) leads each key, so that the key is also
-- the index of every question about one node.

-- Which series stand in which order: values travel and lie without names.
CREATE TABLE metric_list (
  node_id uuid NOT NULL REFERENCES node (id) ON DELETE CASCADE,
  version text NOT NULL,
  series jsonb NOT NULL,
  seen_at bigint NOT NULL,
  PRIMARY KEY (node_id, version)
);
--> statement-breakpoint
CREATE TABLE metric_chunk (
  node_id uuid NOT NULL,
  day integer NOT NULL,
  boot uuid NOT NULL,
  seq bigint NOT NULL,
  list text NOT NULL,
  start_ms bigint NOT NULL,
  end_ms bigint NOT NULL,
  ticks integer NOT NULL,
  received_at bigint NOT NULL,
  cpu bytea,
  mem bytea,
  disk bytea,
  net bytea,
  tcp bytea,
  psi bytea,
  fs bytea,
  proc bytea,
  sys bytea,
  PRIMARY KEY (node_id, day, boot, seq)
) PARTITION BY RANGE (day);
--> statement-breakpoint
-- Minimum, mean and maximum of each series over each chunk, computed on the node; kept longer than the chunks.
CREATE TABLE metric_rollup (
  node_id uuid NOT NULL,
  day integer NOT NULL,
  boot uuid NOT NULL,
  seq bigint NOT NULL,
  list text NOT NULL,
  start_ms bigint NOT NULL,
  end_ms bigint NOT NULL,
  cpu bytea,
  mem bytea,
  disk bytea,
  net bytea,
  tcp bytea,
  psi bytea,
  fs bytea,
  proc bytea,
  sys bytea,
  PRIMARY KEY (node_id, day, boot, seq)
) PARTITION BY RANGE (day);
--> statement-breakpoint
-- The same over each hour, joined from metric_rollup; kept for years.
CREATE TABLE metric_hour (
  node_id uuid NOT NULL,
  day integer NOT NULL,
  start_ms bigint NOT NULL,
  list text NOT NULL,
  cpu bytea,
  mem bytea,
  disk bytea,
  net bytea,
  tcp bytea,
  psi bytea,
  fs bytea,
  proc bytea,
  sys bytea,
  PRIMARY KEY (node_id, day, start_ms, list)
) PARTITION BY RANGE (day);
--> statement-breakpoint
-- Hours that have new rollups and are to be joined (again): chunks may come days late.
CREATE TABLE metric_hour_due (
  node_id uuid NOT NULL,
  start_ms bigint NOT NULL,
  PRIMARY KEY (start_ms, node_id)
);
--> statement-breakpoint
ALTER TABLE metric_chunk
  ALTER COLUMN cpu SET STORAGE EXTERNAL,
  ALTER COLUMN mem SET STORAGE EXTERNAL,
  ALTER COLUMN disk SET STORAGE EXTERNAL,
  ALTER COLUMN net SET STORAGE EXTERNAL,
  ALTER COLUMN tcp SET STORAGE EXTERNAL,
  ALTER COLUMN psi SET STORAGE EXTERNAL,
  ALTER COLUMN fs SET STORAGE EXTERNAL,
  ALTER COLUMN proc SET STORAGE EXTERNAL,
  ALTER COLUMN sys SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE metric_rollup
  ALTER COLUMN cpu SET STORAGE EXTERNAL,
  ALTER COLUMN mem SET STORAGE EXTERNAL,
  ALTER COLUMN disk SET STORAGE EXTERNAL,
  ALTER COLUMN net SET STORAGE EXTERNAL,
  ALTER COLUMN tcp SET STORAGE EXTERNAL,
  ALTER COLUMN psi SET STORAGE EXTERNAL,
  ALTER COLUMN fs SET STORAGE EXTERNAL,
  ALTER COLUMN proc SET STORAGE EXTERNAL,
  ALTER COLUMN sys SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE metric_hour
  ALTER COLUMN cpu SET STORAGE EXTERNAL,
  ALTER COLUMN mem SET STORAGE EXTERNAL,
  ALTER COLUMN disk SET STORAGE EXTERNAL,
  ALTER COLUMN net SET STORAGE EXTERNAL,
  ALTER COLUMN tcp SET STORAGE EXTERNAL,
  ALTER COLUMN psi SET STORAGE EXTERNAL,
  ALTER COLUMN fs SET STORAGE EXTERNAL,
  ALTER COLUMN proc SET STORAGE EXTERNAL,
  ALTER COLUMN sys SET STORAGE EXTERNAL;
