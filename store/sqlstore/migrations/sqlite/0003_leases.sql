-- Who may do something alone, and until when. The token of the last change of holder is "lease" in meta, so that tokens rise
-- also when rows go.
CREATE TABLE leases (
  name     TEXT PRIMARY KEY NOT NULL,
  holder   TEXT NOT NULL,
  token    BIGINT NOT NULL,
  until_at BIGINT NOT NULL
);
