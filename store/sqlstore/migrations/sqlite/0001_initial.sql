-- Each record is a document (doc, JSON) beside the columns that it is looked for by, so that a new field of a record
-- needs no migration. Times are nanoseconds since 1970, UTC; 0 is "none".

CREATE TABLE requests (
  id         TEXT PRIMARY KEY NOT NULL,
  type       TEXT NOT NULL,
  template   TEXT NOT NULL,
  provider   TEXT NOT NULL,
  status     TEXT NOT NULL,
  ended      BOOLEAN NOT NULL, -- the status is terminal
  settled    BOOLEAN NOT NULL, -- nothing of it is left to do
  asked      INTEGER NOT NULL, -- machines or units asked for
  created_at BIGINT NOT NULL,
  version    BIGINT NOT NULL,  -- rises when the request or any machine of it is written
  doc        TEXT NOT NULL
);
CREATE INDEX requests_newest ON requests (created_at, id);
CREATE INDEX requests_unsettled ON requests (created_at, id) WHERE NOT settled;
CREATE INDEX requests_unended ON requests (template) WHERE NOT ended;

CREATE TABLE machines (
  machine_id  TEXT NOT NULL,
  provider    TEXT NOT NULL,
  request_id  TEXT NOT NULL, -- the request that launched it
  return_id   TEXT NOT NULL, -- the return that it belongs to, or empty
  template    TEXT NOT NULL,
  state       TEXT NOT NULL,
  name        TEXT NOT NULL,
  resource    TEXT NOT NULL,
  weight      INTEGER NOT NULL, -- units that it counts for
  counted     BOOLEAN NOT NULL, -- it counts against limits
  launched_at BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  doc         TEXT NOT NULL,
  PRIMARY KEY (machine_id, provider)
);
CREATE INDEX machines_request ON machines (request_id);
CREATE INDEX machines_return ON machines (return_id) WHERE return_id <> '';
CREATE INDEX machines_name ON machines (name);
CREATE INDEX machines_counted ON machines (request_id, weight) WHERE counted;

CREATE TABLE events (
  sequence   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, whatever is removed
  request_id TEXT NOT NULL,
  machine_id TEXT NOT NULL,
  doc        TEXT NOT NULL
);
CREATE INDEX events_request ON events (request_id);
CREATE INDEX events_machine ON events (machine_id) WHERE machine_id <> '';

CREATE TABLE templates (
  id  TEXT PRIMARY KEY NOT NULL,
  doc TEXT NOT NULL
);

-- What providers remember between processes.
CREATE TABLE memory (
  key        BLOB PRIMARY KEY NOT NULL,
  value      BLOB NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX memory_expiry ON memory (expires_at);

CREATE TABLE meta (
  name  TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);
