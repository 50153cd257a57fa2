alter table provider add column provisioned boolean not null default false;
