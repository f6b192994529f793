CREATE TABLE proof_leaf (
    position INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    "key" BIGINT NOT NULL,
    form INTEGER NOT NULL,
    hash BLOB NOT NULL,
    CONSTRAINT pk_proof_leaf PRIMARY KEY (position),
    CONSTRAINT uq_proof_leaf_kind_key UNIQUE (kind, "key"),
    CONSTRAINT ck_proof_leaf_hash CHECK (length(hash) = 32)
)
-- next
CREATE TABLE proof_node (
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    CONSTRAINT pk_proof_node PRIMARY KEY (level, position),
    CONSTRAINT ck_proof_node_hash CHECK (length(hash) = 32)
)
 WITHOUT ROWID
-- next
CREATE TABLE proof_checkpoint (
    id INTEGER NOT NULL,
    size BIGINT NOT NULL,
    root VARCHAR(44) NOT NULL,
    note TEXT NOT NULL,
    verifier_keys TEXT NOT NULL,
    signed_at DATETIME NOT NULL,
    CONSTRAINT pk_proof_checkpoint PRIMARY KEY (id)
)
-- next
CREATE INDEX ix_proof_checkpoint_size ON proof_checkpoint (size)
-- next
CREATE TABLE proof_timestamp (
    checkpoint_id INTEGER NOT NULL,
    authority TEXT NOT NULL,
    response BLOB NOT NULL,
    stamped_at DATETIME NOT NULL,
    CONSTRAINT pk_proof_timestamp PRIMARY KEY (checkpoint_id),
    CONSTRAINT fk_proof_timestamp_checkpoint_id FOREIGN KEY(checkpoint_id) REFERENCES proof_checkpoint (id)
)
-- next
CREATE TRIGGER proof_leaf_no_update BEFORE UPDATE ON proof_leaf BEGIN SELECT RAISE(ABORT, 'proof_leaf: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_leaf_no_delete BEFORE DELETE ON proof_leaf BEGIN SELECT RAISE(ABORT, 'proof_leaf: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_node_no_update BEFORE UPDATE ON proof_node BEGIN SELECT RAISE(ABORT, 'proof_node: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_node_no_delete BEFORE DELETE ON proof_node BEGIN SELECT RAISE(ABORT, 'proof_node: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_checkpoint_no_update BEFORE UPDATE ON proof_checkpoint BEGIN SELECT RAISE(ABORT, 'proof_checkpoint: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_checkpoint_no_delete BEFORE DELETE ON proof_checkpoint BEGIN SELECT RAISE(ABORT, 'proof_checkpoint: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_timestamp_no_update BEFORE UPDATE ON proof_timestamp BEGIN SELECT RAISE(ABORT, 'proof_timestamp: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_timestamp_no_delete BEFORE DELETE ON proof_timestamp BEGIN SELECT RAISE(ABORT, 'proof_timestamp: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_leaf_no_replace_1 BEFORE INSERT ON proof_leaf WHEN EXISTS (SELECT 1 FROM proof_leaf WHERE kind = NEW.kind AND key = NEW.key) BEGIN SELECT RAISE(ABORT, 'proof_leaf: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_leaf_no_replace_2 BEFORE INSERT ON proof_leaf WHEN EXISTS (SELECT 1 FROM proof_leaf WHERE position = NEW.position) BEGIN SELECT RAISE(ABORT, 'proof_leaf: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_node_no_replace_1 BEFORE INSERT ON proof_node WHEN EXISTS (SELECT 1 FROM proof_node WHERE level = NEW.level AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'proof_node: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_checkpoint_no_replace_1 BEFORE INSERT ON proof_checkpoint WHEN EXISTS (SELECT 1 FROM proof_checkpoint WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'proof_checkpoint: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_timestamp_no_replace_1 BEFORE INSERT ON proof_timestamp WHEN EXISTS (SELECT 1 FROM proof_timestamp WHERE checkpoint_id = NEW.checkpoint_id) BEGIN SELECT RAISE(ABORT, 'proof_timestamp: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_leaf_unbroken BEFORE INSERT ON proof_leaf WHEN NEW.position <> (SELECT coalesce(max(position), -1) + 1 FROM proof_leaf) BEGIN SELECT RAISE(ABORT, 'proof_leaf: leaves follow each other without gap (R22)'); END
