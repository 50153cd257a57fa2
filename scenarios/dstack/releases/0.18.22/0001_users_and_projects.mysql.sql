create table users (
  id char(36) primary key,
  name varchar(50) not null unique,
  created_at datetime not null
);

create table projects (
  id char(36) primary key,
  name varchar(50) not null unique,
  deleted boolean not null,
  owner_id char(36) not null,
  constraint fk_projects_owner_id_users foreign key (owner_id) references users (id) on delete cascade
);
