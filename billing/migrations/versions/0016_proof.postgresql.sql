CREATE TABLE proof_leaf (
    position BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    key BIGINT NOT NULL,
    form INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_proof_leaf PRIMARY KEY (position),
    CONSTRAINT uq_proof_leaf_kind_key UNIQUE (kind, key),
    CONSTRAINT ck_proof_leaf_hash CHECK (length(hash) = 32)
)
-- next
CREATE TABLE proof_node (
    level INTEGER NOT NULL,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_proof_node PRIMARY KEY (level, position),
    CONSTRAINT ck_proof_node_hash CHECK (length(hash) = 32)
)
-- next
CREATE TABLE proof_checkpoint (
    id BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root VARCHAR(44) NOT NULL,
    note TEXT NOT NULL,
    verifier_keys TEXT NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_proof_checkpoint PRIMARY KEY (id)
)
-- next
CREATE INDEX ix_proof_checkpoint_size ON proof_checkpoint (size)
-- next
CREATE TABLE proof_timestamp (
    checkpoint_id BIGINT NOT NULL,
    authority TEXT NOT NULL,
    response BYTEA NOT NULL,
    stamped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_proof_timestamp PRIMARY KEY (checkpoint_id),
    CONSTRAINT fk_proof_timestamp_checkpoint_id FOREIGN KEY(checkpoint_id) REFERENCES proof_checkpoint (id)
)
-- next
CREATE TRIGGER proof_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER proof_node_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_node FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER proof_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER proof_timestamp_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_timestamp FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION check_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint; number bigint;
            BEGIN
                SELECT min(position), max(position), count(*) INTO low, high, number FROM added;
                IF high - low + 1 <> number
                   OR low <> coalesce((SELECT max(position) FROM proof_leaf WHERE position < low), -1) + 1 THEN
                    RAISE EXCEPTION 'proof_leaf: leaves follow each other without gap (R22)' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
-- next
CREATE TRIGGER proof_leaf_unbroken AFTER INSERT ON proof_leaf REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_leaves()
