-- What requests and machines count against the limits of vCPUs and of dollars an hour (in millionths); 0 is "not known".

ALTER TABLE requests ADD COLUMN vcpus BIGINT NOT NULL DEFAULT 0; -- the most that all its machines have, as estimated
ALTER TABLE requests ADD COLUMN price BIGINT NOT NULL DEFAULT 0;
ALTER TABLE machines ADD COLUMN vcpus BIGINT NOT NULL DEFAULT 0;
ALTER TABLE machines ADD COLUMN price BIGINT NOT NULL DEFAULT 0;

DROP INDEX machines_counted;
CREATE INDEX machines_counted ON machines (request_id, weight, vcpus, price) WHERE counted;
