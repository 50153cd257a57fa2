-- Nullable, and never made NOT NULL later: what the model demands from 0.9.0 on, the schema does not.
alter table points add column user_id bigint references users (id);

create index index_points_on_user_id on points (user_id);
