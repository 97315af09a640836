-- How far each of those has come who follow the events: the sequence of the last one that it is done with.

CREATE TABLE positions (
  follower TEXT COLLATE "C" PRIMARY KEY,
  sequence BIGINT NOT NULL
);
