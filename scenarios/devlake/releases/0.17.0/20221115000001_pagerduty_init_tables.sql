create table _tool_pagerduty_connections (
  id bigserial primary key,
  created_at timestamptz,
  updated_at timestamptz,
  name varchar(100) not null unique,
  token text
);

create table _tool_pagerduty_services (
  connection_id bigint not null,
  id varchar(191) not null,
  url text,
  name text,
  primary key (connection_id, id)
);
