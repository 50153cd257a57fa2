create table visits (
  id bigserial primary key,
  user_id bigint not null references users (id),
  started_at integer not null,
  ended_at integer not null,
  name varchar not null
);
