alter table providerexecutionlog drop constraint providerexecutionlog_provider_id_fkey;
alter table providerexecutionlog alter column provider_id drop not null;
alter table providerexecutionlog
  add constraint providerexecutionlog_provider_id_fkey foreign key (provider_id) references provider (id)
  on delete cascade;
