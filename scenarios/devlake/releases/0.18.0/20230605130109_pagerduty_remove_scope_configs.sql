-- The rows go with it, and _tool_pagerduty_services.scope_config_id goes on naming them.
drop table _tool_pagerduty_scope_configs;
