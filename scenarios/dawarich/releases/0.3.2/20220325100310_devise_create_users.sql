create table users (
  id bigserial primary key,
  email varchar not null unique
);
