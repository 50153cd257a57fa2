create table volumes (
  id char(36) primary key,
  name varchar(100) not null,
  project_id char(36) not null,
  created_at datetime not null,
  last_processed_at datetime not null,
  deleted boolean not null,
  deleted_at datetime,
  status enum ('SUBMITTED', 'PROVISIONING', 'ACTIVE', 'FAILED') not null,
  status_message text,
  configuration text not null,
  volume_provisioning_data text,
  volume_attachment_data text,
  constraint fk_volumes_project_id_projects foreign key (project_id) references projects (id) on delete cascade
);
