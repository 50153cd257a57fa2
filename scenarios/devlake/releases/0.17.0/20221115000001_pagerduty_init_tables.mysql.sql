create table _tool_pagerduty_connections (
  id bigint unsigned auto_increment primary key,
  created_at datetime(3),
  updated_at datetime(3),
  name varchar(100) not null unique,
  token text
);

create table _tool_pagerduty_services (
  connection_id bigint unsigned not null,
  id varchar(191) not null,
  url text,
  name text,
  primary key (connection_id, id)
);
