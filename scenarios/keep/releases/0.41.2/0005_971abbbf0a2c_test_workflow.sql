alter table workflowexecution drop constraint if exists workflowexecution_workflow_id_fkey;

insert into tenant (id, name)
select 'system-test-workflow', 'Test runs'
where not exists (select 1 from tenant where id = 'system-test-workflow');

insert into workflow (id, tenant_id, name)
select 'test', 'system-test-workflow', 'Test run'
where not exists (select 1 from workflow where id = 'test');

update workflowexecution set workflow_id = 'test' where workflow_id is null;

-- psycopg2 does not see what this does, and begins no other transaction: from here on, each statement stays by itself.
commit;

alter table workflowexecution alter column workflow_id set default 'test', alter column workflow_id set not null;
alter table workflowexecution
  add constraint workflowexecution_workflow_id_fkey foreign key (workflow_id) references workflow (id);
