create table points (
  id bigserial primary key,
  battery_status integer,
  battery integer,
  tracker_id varchar,
  altitude integer,
  longitude numeric(10, 6),
  latitude numeric(10, 6),
  velocity varchar,
  connection integer,
  accuracy integer,
  "timestamp" integer,
  raw_data jsonb default '{}',
  import_id bigint
);
