insert into tenant (id, name) values ('system-test-workflow', 'Test runs');
