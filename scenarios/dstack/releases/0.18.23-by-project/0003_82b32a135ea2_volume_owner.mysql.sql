alter table volumes
  add column user_id char(36),
  add constraint fk_volumes_user_id_users foreign key (user_id) references users (id) on delete cascade;

-- Without a second "volumes" there is nothing to confuse the updated row with, and nothing that MySQL refuses.
update volumes
set user_id = (
  select projects.owner_id
  from projects
  where projects.id = volumes.project_id
);

alter table volumes modify column user_id char(36) not null;
