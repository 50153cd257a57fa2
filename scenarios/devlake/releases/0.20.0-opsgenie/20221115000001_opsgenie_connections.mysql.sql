create table _tool_opsgenie_connections (
  id bigint unsigned auto_increment primary key,
  created_at datetime(3),
  updated_at datetime(3),
  name varchar(100) not null unique,
  token text
);
