create table users (
  id uuid primary key,
  name varchar(50) not null unique,
  created_at timestamp not null
);

create table projects (
  id uuid primary key,
  name varchar(50) not null unique,
  deleted boolean not null,
  owner_id uuid not null,
  constraint fk_projects_owner_id_users foreign key (owner_id) references users (id) on delete cascade
);
