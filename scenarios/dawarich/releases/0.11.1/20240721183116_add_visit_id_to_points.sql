alter table points add column visit_id bigint references visits (id);
