-- Somebody who has left does nothing more, whichever part of the controller is asked at that very moment. Whoever marks a
-- person as gone holds a lock of that person until the commit; every row that lets a person act, or that acts for one,
-- waits for it here and is refused afterwards. What was written before is what offboarding finds and ends.
-- Advisory locks stand in line: many writers hold the lock together, and yet none of them can keep offboarding waiting,
-- as they can with a shared lock of the person's row.

CREATE FUNCTION refuse_leaver() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  who text;
  gone bigint;
BEGIN
  -- Each branch is looked at only for the table that has the column.
  IF TG_ARGV[0] = 'person_id' THEN who := NEW.person_id;
  ELSIF TG_ARGV[0] = 'requester_id' THEN who := NEW.requester_id;
  ELSIF TG_ARGV[0] = 'opened_by_id' THEN who := NEW.opened_by_id;
  ELSIF TG_ARGV[0] = 'operator' THEN who := NEW.operator;
  END IF;
  -- Not everything is asked for by a person: "system" is none.
  IF who ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    PERFORM pg_advisory_xact_lock_shared(7460, hashtext(who));
    -- A snapshot of its own, taken with the lock in hand.
    SELECT left_at INTO gone FROM person WHERE id = who::uuid;
    IF gone IS NOT NULL THEN
      RAISE EXCEPTION 'this person has left' USING ERRCODE = 'ZH001';
    END IF;
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE FUNCTION lock_leaver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7460, hashtext(NEW.id::text));
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER person_leaves BEFORE UPDATE OF left_at ON person FOR EACH ROW EXECUTE FUNCTION lock_leaver();
--> statement-breakpoint
-- Every table that says in whose name a row is. A challenge alone lets nobody do anything.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name IN ('person_id', 'requester_id', 'opened_by_id', 'operator')
      AND table_name <> 'passkey_challenge'
  LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I ON %I FOR EACH ROW EXECUTE FUNCTION refuse_leaver(%L)',
      found.table_name || '_no_leaver', found.column_name, found.table_name, found.column_name);
  END LOOP;
END
$$;
--> statement-breakpoint
-- Nor does a leaver get a way to sign in back.
ALTER TABLE person ADD CONSTRAINT person_left_has_nothing
  CHECK (left_at IS NULL OR (password_hash IS NULL AND totp_secret IS NULL AND totp_pending IS NULL));
