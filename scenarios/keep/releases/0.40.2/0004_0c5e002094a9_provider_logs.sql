create table providerexecutionlog (
  id varchar(64) primary key,
  provider_id varchar(64) not null,
  logged_at timestamp not null,
  log_message varchar(255) not null,
  constraint providerexecutionlog_provider_id_fkey foreign key (provider_id) references provider (id)
);
