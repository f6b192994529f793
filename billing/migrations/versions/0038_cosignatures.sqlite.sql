CREATE TABLE proof_cosignature (
    checkpoint_id INTEGER NOT NULL,
    witness VARCHAR(200) NOT NULL,
    line TEXT NOT NULL,
    cosigned_at DATETIME NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_proof_cosignature PRIMARY KEY (checkpoint_id, witness),
    CONSTRAINT fk_proof_cosignature_checkpoint_id FOREIGN KEY(checkpoint_id) REFERENCES proof_checkpoint (id)
)
-- next
CREATE TRIGGER proof_cosignature_no_update BEFORE UPDATE ON proof_cosignature BEGIN SELECT RAISE(ABORT, 'proof_cosignature: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_cosignature_no_delete BEFORE DELETE ON proof_cosignature BEGIN SELECT RAISE(ABORT, 'proof_cosignature: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER proof_cosignature_no_replace_1 BEFORE INSERT ON proof_cosignature WHEN EXISTS (SELECT 1 FROM proof_cosignature WHERE checkpoint_id = NEW.checkpoint_id AND witness = NEW.witness) BEGIN SELECT RAISE(ABORT, 'proof_cosignature: rows of this table are never changed or deleted: correct by adding (R22)'); END
