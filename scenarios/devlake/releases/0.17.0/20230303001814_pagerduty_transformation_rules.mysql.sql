create table _tool_pagerduty_transformation_rules (
  id bigint unsigned auto_increment primary key,
  created_at datetime(3),
  updated_at datetime(3),
  name varchar(255),
  connection_id bigint unsigned,
  unique key idx_name_github (name)
);

alter table _tool_pagerduty_services add column transformation_rule_id bigint unsigned;
