-- How far each of those has come who follow the events: the sequence of the last one that it is done with.

CREATE TABLE positions (
  follower TEXT PRIMARY KEY NOT NULL,
  sequence BIGINT NOT NULL
);
