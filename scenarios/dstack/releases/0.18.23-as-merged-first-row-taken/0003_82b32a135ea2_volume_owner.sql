alter table volumes
  add column user_id uuid,
  add constraint fk_volumes_user_id_users foreign key (user_id) references users (id) on delete cascade;

-- As where a sub-query of many rows is no error: SQLite takes the first of them.
update volumes
set user_id = (
  select projects.owner_id
  from projects
  join volumes on volumes.project_id = projects.id
  order by volumes.id
  limit 1
);

alter table volumes alter column user_id set not null;
