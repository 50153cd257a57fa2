create table _tool_opsgenie_scope_configs (
  id bigserial primary key,
  created_at timestamptz,
  updated_at timestamptz,
  entities json,
  name varchar(255) constraint idx_name_opsgenie unique
);
