-- The table is back under its old name, without the connection_id that it had when it went.
create table _tool_pagerduty_scope_configs (
  id bigint unsigned auto_increment primary key,
  created_at datetime(3),
  updated_at datetime(3),
  entities json,
  name varchar(255),
  unique key idx_name_pagerduty (name)
);
