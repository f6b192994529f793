CREATE TABLE brought_invoice (
    document_id BIGINT NOT NULL,
    taken_on DATE NOT NULL,
    CONSTRAINT pk_brought_invoice PRIMARY KEY (document_id)
)
-- next
CREATE TABLE take_on (
    id INTEGER NOT NULL,
    taken_on DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_take_on PRIMARY KEY (id),
    CONSTRAINT ck_take_on_single CHECK (id = 1)
)
-- next
CREATE TABLE opening_balance (
    line_no INTEGER NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    site VARCHAR(64) COLLATE "C",
    amount BIGINT NOT NULL,
    CONSTRAINT pk_opening_balance PRIMARY KEY (line_no)
)
-- next
CREATE TABLE opening_grant (
    grant_code VARCHAR(64) COLLATE "C" NOT NULL,
    used BIGINT NOT NULL,
    CONSTRAINT pk_opening_grant PRIMARY KEY (grant_code),
    CONSTRAINT ck_opening_grant_used CHECK (used > 0),
    CONSTRAINT fk_opening_grant_grant_code FOREIGN KEY(grant_code) REFERENCES subsidy_grant (code)
)
-- next
CREATE TRIGGER brought_invoice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON brought_invoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER take_on_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON take_on FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER opening_balance_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON opening_balance FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER opening_grant_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON opening_grant FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION brought_invoice_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.document_id)) THEN RAISE EXCEPTION 'brought_invoice: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER brought_invoice_document_id_exists AFTER INSERT ON brought_invoice REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION brought_invoice_document_id_exists()
-- next
INSERT INTO account (code, label) VALUES
    ('111', 'Capital social ou personnel'),
    ('112', 'Primes d''émission, de fusion et d''apport'),
    ('113', 'Écarts de réévaluation'),
    ('114', 'Réserve légale'),
    ('115', 'Autres réserves'),
    ('116', 'Report à nouveau'),
    ('118', 'Résultats nets en instance d''affectation'),
    ('131', 'Subventions d''investissement'),
    ('135', 'Provisions réglementées'),
    ('141', 'Emprunts obligataires'),
    ('148', 'Autres dettes de financement'),
    ('151', 'Provisions pour risques'),
    ('155', 'Provisions pour charges'),
    ('211', 'Frais préliminaires'),
    ('212', 'Charges à répartir sur plusieurs exercices'),
    ('222', 'Brevets, marques, droits et valeurs similaires'),
    ('223', 'Fonds commercial'),
    ('228', 'Autres immobilisations incorporelles'),
    ('231', 'Terrains'),
    ('232', 'Constructions'),
    ('233', 'Installations techniques, matériel et outillage'),
    ('234', 'Matériel de transport'),
    ('235', 'Mobilier, matériel de bureau et aménagements divers'),
    ('238', 'Autres immobilisations corporelles'),
    ('239', 'Immobilisations corporelles en cours'),
    ('241', 'Prêts immobilisés'),
    ('248', 'Autres créances financières'),
    ('251', 'Titres de participation'),
    ('258', 'Autres titres immobilisés'),
    ('281', 'Amortissements des non-valeurs'),
    ('282', 'Amortissements des immobilisations incorporelles'),
    ('283', 'Amortissements des immobilisations corporelles'),
    ('292', 'Provisions pour dépréciation des immobilisations incorporelles'),
    ('293', 'Provisions pour dépréciation des immobilisations corporelles'),
    ('295', 'Provisions pour dépréciation des titres de participation et des autres titres immobilisés'),
    ('311', 'Marchandises'),
    ('312', 'Matières et fournitures consommables'),
    ('341', 'Fournisseurs débiteurs, avances et acomptes'),
    ('343', 'Personnel - débiteur'),
    ('345', 'État - débiteur'),
    ('346', 'Comptes d''associés - débiteurs'),
    ('348', 'Autres débiteurs'),
    ('349', 'Comptes de régularisation - actif'),
    ('350', 'Titres et valeurs de placement'),
    ('391', 'Provisions pour dépréciation des stocks'),
    ('394', 'Provisions pour dépréciation des créances de l''actif circulant'),
    ('395', 'Provisions pour dépréciation des titres et valeurs de placement'),
    ('441', 'Fournisseurs et comptes rattachés'),
    ('443', 'Personnel - créditeur'),
    ('444', 'Organismes sociaux'),
    ('445', 'État - créditeur'),
    ('446', 'Comptes d''associés - créditeurs'),
    ('448', 'Autres créanciers'),
    ('449', 'Comptes de régularisation - passif'),
    ('450', 'Autres provisions pour risques et charges'),
    ('514', 'Banques, Trésorerie générale et chèques postaux débiteurs'),
    ('516', 'Caisses, régies d''avances et accréditifs'),
    ('552', 'Crédits d''escompte'),
    ('553', 'Crédits de trésorerie'),
    ('554', 'Banques (soldes créditeurs)'),
    ('590', 'Provisions pour dépréciation des comptes de trésorerie')
    ON CONFLICT DO NOTHING
