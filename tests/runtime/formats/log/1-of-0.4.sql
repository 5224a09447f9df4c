CREATE TABLE alerts (
	"key" TEXT NOT NULL, 
	sent BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE labels (
	target TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	PRIMARY KEY (target, kind, "key", "row", time)
);
CREATE INDEX labels_until ON labels (until);
CREATE TABLE log_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
CREATE TABLE monitor_windows (
	target TEXT NOT NULL, 
	model TEXT NOT NULL, 
	length BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	result TEXT NOT NULL, 
	PRIMARY KEY (target, model, length, until)
);
CREATE TABLE open_runs (
	request_id TEXT NOT NULL, 
	place TEXT NOT NULL, 
	process BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	PRIMARY KEY (request_id)
);
CREATE TABLE predictions (
	request_id TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	target TEXT NOT NULL, 
	model TEXT NOT NULL, 
	entity TEXT, 
	features TEXT NOT NULL, 
	prediction TEXT NOT NULL, 
	probabilities TEXT, 
	PRIMARY KEY (request_id, "row", time)
);
CREATE INDEX predictions_entity ON predictions (entity);
CREATE INDEX predictions_time ON predictions (time);
