CREATE TABLE proof_cosignature (
    checkpoint_id BIGINT NOT NULL,
    witness VARCHAR(200) COLLATE "C" NOT NULL,
    line TEXT NOT NULL,
    cosigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_proof_cosignature PRIMARY KEY (checkpoint_id, witness),
    CONSTRAINT fk_proof_cosignature_checkpoint_id FOREIGN KEY(checkpoint_id) REFERENCES proof_checkpoint (id)
)
-- next
CREATE TRIGGER proof_cosignature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proof_cosignature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
