create table secret (
  name varchar(255) primary key,
  value text not null
);
