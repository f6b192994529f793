ALTER TABLE act RENAME TO audit_event
-- next
ALTER TABLE audit_event RENAME CONSTRAINT pk_act TO pk_audit_event
-- next
ALTER INDEX ix_act_last_document RENAME TO ix_audit_event_last_document
-- next
ALTER INDEX ix_act_last_entry RENAME TO ix_audit_event_last_entry
-- next
ALTER INDEX ix_act_last_import RENAME TO ix_audit_event_last_import
-- next
ALTER INDEX ix_act_last_usage_event RENAME TO ix_audit_event_last_usage_event
-- next
ALTER INDEX ix_act_request_id RENAME TO ix_audit_event_request_id
-- next
ALTER TRIGGER act_append_only ON audit_event RENAME TO audit_event_append_only
-- next
ALTER TABLE act_change RENAME TO audit_change
-- next
ALTER TABLE audit_change RENAME CONSTRAINT pk_act_change TO pk_audit_change
-- next
ALTER INDEX ix_act_change_subject_key RENAME TO ix_audit_change_subject_key
-- next
ALTER TRIGGER act_change_append_only ON audit_change RENAME TO audit_change_append_only
-- next
ALTER TABLE act_counter RENAME TO audit_counter
-- next
ALTER TABLE audit_counter RENAME CONSTRAINT pk_act_counter TO pk_audit_counter
-- next
ALTER TABLE audit_counter RENAME CONSTRAINT ck_act_counter_single TO ck_audit_counter_single
-- next
ALTER TRIGGER act_counter_forward_only ON audit_counter RENAME TO audit_counter_forward_only
-- next
ALTER TRIGGER act_counter_kept ON audit_counter RENAME TO audit_counter_kept
-- next
ALTER FUNCTION act_counter_back() RENAME TO audit_counter_back
-- next
CREATE OR REPLACE FUNCTION audit_counter_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_counter: audit events are counted on, never back' USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
ALTER TABLE switch_notice RENAME TO tier_change_announcement
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT pk_switch_notice TO pk_tier_change_announcement
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT uq_switch_notice_corrects TO uq_tier_change_announcement_corrects
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT ck_switch_notice_in_time TO ck_tier_change_announcement_in_time
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT ck_switch_notice_step TO ck_tier_change_announcement_step
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT ck_switch_notice_corrects TO ck_tier_change_announcement_corrects
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT fk_switch_notice_message_id TO fk_tier_change_announcement_message_id
-- next
ALTER TABLE tier_change_announcement RENAME CONSTRAINT fk_switch_notice_corrects TO fk_tier_change_announcement_corrects
-- next
ALTER INDEX ix_switch_notice_tenant RENAME TO ix_tier_change_announcement_tenant
-- next
ALTER TRIGGER switch_notice_append_only ON tier_change_announcement RENAME TO tier_change_announcement_append_only
