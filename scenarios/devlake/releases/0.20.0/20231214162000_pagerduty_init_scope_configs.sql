-- The table is back under its old name, without the connection_id that it had when it went.
create table _tool_pagerduty_scope_configs (
  id bigserial primary key,
  created_at timestamptz,
  updated_at timestamptz,
  entities json,
  name varchar(255) constraint idx_name_pagerduty unique
);
