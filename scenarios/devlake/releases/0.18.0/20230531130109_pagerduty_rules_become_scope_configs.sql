alter table _tool_pagerduty_services rename column transformation_rule_id to scope_config_id;

alter table _tool_pagerduty_transformation_rules rename to _tool_pagerduty_scope_configs;

alter table _tool_pagerduty_scope_configs add column entities json;
