create table tenant (
  id varchar(64) primary key,
  name varchar(255) not null,
  configuration json
);

create table provider (
  id varchar(64) primary key,
  tenant_id varchar(64) not null,
  name varchar(255) not null,
  type varchar(255) not null,
  installed_by varchar(255) not null,
  installation_time timestamp not null,
  configuration_key varchar(255) not null,
  constraint provider_tenant_id_name_key unique (tenant_id, name),
  constraint provider_tenant_id_fkey foreign key (tenant_id) references tenant (id)
);

create table workflow (
  id varchar(64) primary key,
  tenant_id varchar(64) not null,
  name varchar(255) not null,
  constraint workflow_tenant_id_fkey foreign key (tenant_id) references tenant (id)
);

create table workflowexecution (
  id varchar(64) primary key,
  workflow_id varchar(64),
  status varchar(255) not null,
  constraint workflowexecution_workflow_id_fkey foreign key (workflow_id) references workflow (id)
);
