create type volumestatus as enum ('SUBMITTED', 'PROVISIONING', 'ACTIVE', 'FAILED');

create table volumes (
  id uuid primary key,
  name varchar(100) not null,
  project_id uuid not null,
  created_at timestamp not null,
  last_processed_at timestamp not null,
  deleted boolean not null,
  deleted_at timestamp,
  status volumestatus not null,
  status_message text,
  configuration text not null,
  volume_provisioning_data text,
  volume_attachment_data text,
  constraint fk_volumes_project_id_projects foreign key (project_id) references projects (id) on delete cascade
);
