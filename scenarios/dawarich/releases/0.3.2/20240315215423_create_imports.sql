create table imports (
  id bigserial primary key,
  name varchar not null,
  user_id bigint not null,
  source integer not null default 0
);
