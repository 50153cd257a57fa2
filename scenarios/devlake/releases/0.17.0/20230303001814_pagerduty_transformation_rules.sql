create table _tool_pagerduty_transformation_rules (
  id bigserial primary key,
  created_at timestamptz,
  updated_at timestamptz,
  name varchar(255) constraint idx_name_github unique,
  connection_id bigint
);

alter table _tool_pagerduty_services add column transformation_rule_id bigint;
