-- The machine is being taken back, or its user has not given it back since.
ALTER TABLE machines ADD COLUMN noticed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX machines_noticed ON machines (launched_at, machine_id, provider) WHERE noticed;
