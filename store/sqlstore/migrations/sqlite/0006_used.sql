-- What each request counts against limits, as store.Units and store.CostOf have it, written whenever the request or a machine of
-- it is: a new request is measured against a sum over requests that count, not over all machines alive.

ALTER TABLE requests ADD COLUMN used_units INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN used_vcpus BIGINT NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN used_price BIGINT NOT NULL DEFAULT 0;

UPDATE requests SET (used_units, used_vcpus, used_price) = (
  SELECT CASE WHEN NOT requests.ended AND requests.asked > held.units THEN requests.asked ELSE held.units END,
      CASE WHEN NOT requests.ended AND requests.vcpus > held.vcpus THEN requests.vcpus ELSE held.vcpus END,
      CASE WHEN NOT requests.ended AND requests.price > held.price THEN requests.price ELSE held.price END
    FROM (
      SELECT CAST(COALESCE(SUM(weight), 0) AS BIGINT) AS units, CAST(COALESCE(SUM(vcpus), 0) AS BIGINT) AS vcpus, CAST(COALESCE(SUM(price), 0) AS BIGINT) AS price
        FROM machines WHERE request_id = requests.id AND counted
    ) AS held
) WHERE type = 'acquire';

DROP INDEX requests_unended;
CREATE INDEX requests_used ON requests (template, provider, used_units, used_vcpus, used_price)
  WHERE used_units > 0 OR used_vcpus > 0 OR used_price > 0;
