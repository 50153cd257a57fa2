alter table providerexecutionlog drop foreign key providerexecutionlog_provider_id_fkey;
alter table providerexecutionlog modify provider_id varchar(64) null;
alter table providerexecutionlog
  add constraint providerexecutionlog_provider_id_fkey foreign key (provider_id) references provider (id)
  on delete cascade;
