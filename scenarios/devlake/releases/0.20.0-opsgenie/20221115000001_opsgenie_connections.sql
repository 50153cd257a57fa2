create table _tool_opsgenie_connections (
  id bigserial primary key,
  created_at timestamptz,
  updated_at timestamptz,
  name varchar(100) not null unique,
  token text
);
