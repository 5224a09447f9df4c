CREATE TABLE alerts (
	"key" TEXT NOT NULL, 
	sent BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE former_labels (
	target TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	taken BIGINT, 
	replaced BIGINT NOT NULL, 
	PRIMARY KEY (target, kind, "key", "row", time, replaced)
);
CREATE TABLE labels (
	target TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	taken BIGINT, 
	PRIMARY KEY (target, kind, "key", "row", time)
);
CREATE INDEX labels_taken ON labels (taken);
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
	row_time BIGINT, 
	PRIMARY KEY (request_id, "row", time)
);
CREATE INDEX predictions_entity ON predictions (entity);
CREATE INDEX predictions_time ON predictions (time);
CREATE TABLE refusals (
	target TEXT NOT NULL, 
	model TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	field TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	value TEXT NOT NULL, 
	rows BIGINT NOT NULL, 
	PRIMARY KEY (target, model, time, field, rule, value)
);
CREATE INDEX refusals_time ON refusals (time);
CREATE TABLE trail (
	number BIGINT NOT NULL, 
	time BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	content TEXT NOT NULL, 
	former TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE trail_tallies (
	worker TEXT NOT NULL, 
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	rows BIGINT NOT NULL, 
	PRIMARY KEY (worker, model, "key")
);
