alter table volumes
  add column user_id char(36),
  add constraint fk_volumes_user_id_users foreign key (user_id) references users (id) on delete cascade;

update volumes
set user_id = (
  select projects.owner_id
  from projects
  join volumes as inner_volumes on inner_volumes.project_id = projects.id
  where inner_volumes.id = volumes.id
);

alter table volumes modify column user_id char(36) not null;
