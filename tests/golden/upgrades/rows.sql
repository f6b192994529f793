-- Rows for every table, under the version of the schema that created it. Each version accepts those of all before it.

-- version 0001
INSERT INTO account (code, label) VALUES ('71249', 'Ventes de services produits au Maroc');
INSERT INTO account (code, label) VALUES ('8800', 'Résultat après impôts') ON CONFLICT DO NOTHING;
UPDATE entry_counter SET last = 2 WHERE id = 1;
INSERT INTO posting (entry_id, line_no, account, auxiliary, site, effective_on, amount) VALUES (1, 1, '3421', 'T1', NULL, '2026-06-01', 12000), (1, 2, '71249', NULL, 'TNG', '2026-06-01', -10000), (1, 3, '44551', NULL, NULL, '2026-06-01', -2000), (2, 1, '9205', NULL, 'TNG', '2026-06-01', 500), (2, 2, '9201', 'T1', 'TNG', '2026-06-01', -500);
INSERT INTO entry (id, reference, journal, effective_on, recorded_at, label, piece, posting_count) VALUES (1, 'VTE/FA-2026-000001', 'VTE', '2026-06-01', '2026-06-01 08:00:00', 'Facture', 'FA-2026-000001', 3), (2, 'PER/2026-06/T1', 'PER', '2026-06-01', '2026-06-01 08:00:00', 'Péréquation', 'PER-2026-06', 2);
INSERT INTO account_day (account, day, debit, credit) VALUES ('3421', '2026-06-01', 12000, 0), ('71249', '2026-06-01', 0, 10000);
INSERT INTO number_series (series, year, last, latest_issued_on) VALUES ('DOCUMENT', 0, 2, '2026-07-01'), ('FA', 2026, 1, '2026-06-01'), ('AV', 2026, 1, '2026-07-01');
INSERT INTO party (digest, content) VALUES ('p', '{"name": "Technopark"}');
INSERT INTO document (id, number, kind, period, issued_on, due_on, tenant, seller, buyer, net, tax, gross, advantage, contribution, discount_ends_on) VALUES (1, 'FA-2026-000001', 'invoice', '2026-06-01', '2026-06-01', '2026-07-01', 'T1', 'p', 'p', 10000, 2000, 12000, 0, 500, NULL), (2, 'AV-2026-000001', 'credit_note', '2026-07-01', '2026-07-01', '2026-07-01', 'T1', 'p', 'p', 1000, 200, 1200, 0, 0, '2027-01-01');
INSERT INTO document_line (document_id, line_no, service, service_label, unit_of_measure, revenue_account, site, site_name, lease, office, month, first_day, last_day, days, days_in_month, tier, quantity, full_price, unit_price, unit_cost, amount, full_amount, cost_amount, vat_rate, corrects_document_id, corrects_line_no) VALUES (1, 1, 'office', 'Bureau', 'm2_month', '71249', 'TNG', 'Tanger', 'L1', 'A', '2026-06-01', '2026-06-01', '2026-06-30', 30, 30, 'market', 1000000, 1000000, 1000000, 900000, 10000, 10000, 9000, 2000, NULL, NULL), (2, 1, 'office', 'Bureau', 'm2_month', '71249', 'TNG', 'Tanger', 'L1', 'A', '2026-06-01', '2026-06-01', '2026-06-30', 30, 30, 'market', 1000000, 1000000, 1000000, 900000, 1000, 1000, 900, 2000, 1, 1);
INSERT INTO document_vat (document_id, rate, base, amount) VALUES (1, 2000, 10000, 2000), (2, 2000, 1000, 200);
INSERT INTO document_file (document_id, path, sha256, size_bytes, rendered_at) VALUES (1, '2026/FA-2026-000001.pdf', 'e', 17460, '2026-06-01 09:00:00');
INSERT INTO delivery (document_id, state, attempts, recipient) VALUES (1, 'failed', 1, 'a@b.ma');
INSERT INTO delivery_attempt (document_id, attempt, attempted_at, outcome, detail) VALUES (1, 1, '2026-06-01 09:00:00', 'failed', '450');
INSERT INTO site (code, name, city, capacity, opened_on) VALUES ('TNG', 'Tanger', 'Tanger', 40, '2015-01-01');
INSERT INTO service (code, label, unit, billing, revenue_account, price_ceiling_incl_vat) VALUES ('office', 'Bureau', 'm2_month', 'advance', '71249', NULL);
INSERT INTO tenant (code, legal_name, legal_form, kind, incorporated_on, admitted_on, ice, tax_id, trade_register, address, city, email, language) VALUES ('T1', 'Société 100 %', 'SARL', 'startup', '2025-01-01', '2025-06-01', '001', '1', '2', 'rue', 'Tanger', 'a@b.ma', 'fr');
INSERT INTO usage_event (id, event_id, tenant, site, service, quantity, occurred_on) VALUES (1, 'E1', 'T1', 'TNG', 'office', 1000000, '2026-05-02');
INSERT INTO billing_run (period, issued_on, status, attempt, deliver, started_at, completed_at, cross_subsidy) VALUES ('2026-06-01', '2026-06-01', 'running', 1, 1, '2026-06-01 08:00:00', NULL, NULL);
INSERT INTO usage_billing (usage_event_id, document_id, line_no) VALUES (1, 1, 1);
INSERT INTO import_log (id, imported_at, source, summary) VALUES (1, '2026-05-31 08:00:00', 'network', '{}');
INSERT INTO api_token (name, token_sha256, scope, created_at) VALUES ('amina', 'a', 'finance', '2026-05-31 08:00:00');
INSERT INTO idempotency_key (token, key, request_sha256, created_at) VALUES ('amina', 'k', 'b', '2026-05-31 08:00:00');
INSERT INTO vat_rate (service, effective_from, rate) VALUES ('office', '2015-01-01', 2000);
INSERT INTO rate (site, service, tenant_kind, effective_from, market, subsidised, subsidised_price, full_cost, source) VALUES ('TNG', 'office', 'startup', '2015-01-01', 1000000, '50%', 500000, 900000, 'arrêté');
INSERT INTO lease (code, tenant, site, unit, area, starts_on, ends_on) VALUES ('L1', 'T1', 'TNG', 'A', 1000000, '2025-06-01', NULL);
INSERT INTO subsidy_grant (code, funder, site, amount, granted_on, revision) VALUES ('G1', 'Région', 'TNG', 50000, '2026-01-01', 1);
INSERT INTO run_batch (period, attempt, batch_no, first_tenant, last_tenant, status) VALUES ('2026-06-01', 1, 1, 'T1', 'T1', 'done');
INSERT INTO run_outcome (period, tenant, status, message, invoice_id, credit_note_id, fingerprint, usage_watermark) VALUES ('2026-06-01', 'T1', 'issued', NULL, 1, NULL, 'f', 1);
INSERT INTO run_position (period, tenant, site, contribution, draw, advantage) VALUES ('2026-06-01', 'T1', 'TNG', 500, 0, 0);

-- version 0002
UPDATE act_counter SET last = 1 WHERE id = 1;
INSERT INTO act (id, recorded_at, actor, origin, operation, request_id, reason, first_entry, last_entry, first_document, last_document, first_usage_event, last_usage_event, first_import, last_import) VALUES (1, '2026-06-01 08:00:00', 'amina', 'cli', 'run', 'r1', 'mois', 1, 2, 1, 2, 1, 1, 1, 1);
INSERT INTO act_change (act_id, seq, subject, key, before, after) VALUES (1, 1, 'tenants', 'T1', NULL, '{"email": "a@b.ma"}');

-- version 0003
INSERT INTO credit_reason (document_id, reason, issued_by) VALUES (2, 'remise', 'amina');
INSERT INTO credited_part (document_id, line_no, invoice_id, invoice_line_no) VALUES (2, 1, 1, 1);
INSERT INTO credit_withdrawal (document_id, line_no, credit_note_id, credit_line_no) VALUES (1, 1, 2, 1);

-- version 0004
INSERT INTO period_act (id, month, action, recorded_at, reason, digest, closed_through, open_through) VALUES (1, '2026-06-01', 'close', '2026-07-10 08:00:00', NULL, 'd', '2026-06-30', '2026-12-31');
INSERT INTO period_balance (closing, account, debit, credit) VALUES (1, '3421', 12000, 0);

-- version 0005
INSERT INTO deposit (id, lease, tenant, site, site_name, office, months, monthly_rent, amount, asked_on, due_on, seller, buyer, recorded_at) VALUES (1, 'L1', 'T1', 'TNG', 'Tanger', 'A', 2, 10000, 20000, '2025-06-01', '2025-06-01', '{}', '{}', '2025-06-01 08:00:00');
INSERT INTO deposit_movement (deposit_id, movement_no, kind, moved_on, amount, money_account, reference, reason, recorded_at) VALUES (1, 1, 'received', '2025-06-02', 20000, '5141', 'V1', NULL, '2025-06-02 08:00:00');

-- version 0006
INSERT INTO debt_act (id, document_id, tenant, kind, decided_on, amount, vat, from_doubtful, reason, asked_by, approved_by, recorded_at) VALUES (1, 1, 'T1', 'doubtful', '2026-12-31', 12000, 2000, 0, 'saisie', 'amina', 'karim', '2026-12-31 08:00:00'), (2, 1, 'T1', 'written_off', '2026-12-31', 1200, 200, 1200, 'perdu', 'amina', 'karim', '2026-12-31 08:00:00');

-- version 0007

-- version 0008
INSERT INTO message (id, kind, key, tenant, written_on, recipient, recipient_name, content, queued_at) VALUES (1, 'dunning', 'k1', 'T1', '2026-08-01', 'a@b.ma', 'A', '{}', '2026-08-01 08:00:00'), (2, 'switch', 'k2', 'T1', '2026-08-01', 'a@b.ma', 'A', '{}', '2026-08-01 08:00:00'), (3, 'switch', 'k3', 'T1', '2026-08-02', 'a@b.ma', 'A', '{}', '2026-08-02 08:00:00');
INSERT INTO message_delivery (message_id, state, attempts, recipient) VALUES (1, 'sent', 1, 'a@b.ma');
INSERT INTO message_file (message_id, paper_no, path, sha256, size_bytes, rendered_at) VALUES (1, 1, 'ME-000001.pdf', 'e', 100, '2026-08-01 08:00:00');
INSERT INTO message_attempt (message_id, attempt, attempted_at, outcome, detail) VALUES (1, 1, '2026-08-01 08:00:00', 'sent', '250');

-- version 0009
INSERT INTO funding_matrix (period, attempt, body, sha256) VALUES ('2026-06-01', 1, X'7B7D', 'e');

-- version 0010
INSERT INTO receipt (id, means, reference, value_date, tenant, site, amount, payer_text, asked, recorded_at) VALUES (1, 'cash', 'C1', '2026-07-02', 'T1', 'TNG', 5000, '', '{}', '2026-07-02 08:00:00'), (2, 'deposit', 'D1', '2026-07-02', 'T1', NULL, 100, '', '{}', '2026-07-02 08:00:00');
INSERT INTO receipt_leg (receipt_id, kind, amount, account) VALUES (1, 'money', 4900, '5161'), (1, 'rent_withholding', 100, '3453');
INSERT INTO receipt_certificate (receipt_id, kind, version, number, certified_on, recorded_at) VALUES (1, 'rent_withholding', 1, 'A1', '2026-07-03', '2026-07-03 08:00:00');
INSERT INTO receipt_event (receipt_id, kind, happened_on, booked_on, account, reason, recorded_at) VALUES (1, 'cleared', '2026-07-03', '2026-07-03', '5141', NULL, '2026-07-03 08:00:00');
INSERT INTO placement (id, receipt_id, tenant, amount, account, placed_on, in_receipt, recorded_at) VALUES (1, 1, 'T1', 5000, '4421', '2026-07-02', 1, '2026-07-02 08:00:00');
INSERT INTO placement_withdrawal (id, placement_id, amount, withdrawn_on, reason, recorded_at) VALUES (1, 1, 100, '2026-07-04', 'erreur', '2026-07-04 08:00:00');
INSERT INTO allocation (id, placement_id, credit_note_id, document_id, tenant, amount, doubtful, allocated_on, how, in_receipt, recorded_at) VALUES (1, 1, NULL, 1, 'T1', 1200, 0, '2026-07-02', 'oldest', 1, '2026-07-02 08:00:00');
INSERT INTO allocation_undoing (allocation_id, undone_on, reason, in_return, recorded_at) VALUES (1, '2026-07-04', 'erreur', 0, '2026-07-04 08:00:00');
INSERT INTO refund (id, means, reference, refunded_on, receipt_id, placement_id, credit_note_id, tenant, amount, account, reason, recorded_at) VALUES (1, 'transfer', 'R1', '2026-07-05', 1, 1, NULL, 'T1', 100, '5141', 'doublon', '2026-07-05 08:00:00');
INSERT INTO settlement (document_id, act, act_id, rate, settled_on, base, vat, vat_released, base_due, vat_due) VALUES (1, 'allocated', 1, 2000, '2026-07-02', 1000, 200, 200, 1000, 200);

-- version 0011
INSERT INTO cash_receipt (receipt_id, year, serial, taken_on, tenant, amount, stamp_duty, stamp_on_top, content, recorded_at) VALUES (1, 2026, 1, '2026-07-02', 'T1', 5000, 13, 0, '{}', '2026-07-02 08:00:00');

-- version 0012
INSERT INTO bank_statement (id, account, place, reference, file, opening, closed_on, closing, line_count, digest, recorded_at) VALUES (1, '5141', 1, 'R1', 'r1.xml', 0, '2026-07-03', 5000, 1, 'd', '2026-07-03 08:00:00');
INSERT INTO bank_line (statement_id, line_no, booked_on, value_on, amount, bank_reference, end_to_end_id, structured_reference, counterparty, counterparty_account, text, code, is_reversal, fingerprint, occurrence) VALUES (1, 1, '2026-07-03', '2026-07-03', 5000, 'b', '', '', 'T1', 'MA1', '', 'TRF', 0, 'f', 1);
INSERT INTO line_decision (statement_id, line_no, decision_no, kind, confidence, why, decided_on, tenant, recorded_at) VALUES (1, 1, 1, 'booked', 90, 'frais', '2026-07-03', NULL, '2026-07-03 08:00:00');
INSERT INTO line_entry (statement_id, line_no, decision_no, entry, receipt_id) VALUES (1, 1, 1, 'VTE/FA-2026-000001', NULL);

-- version 0013
INSERT INTO switch_notice (message_id, tenant, switches_on, step, announced_on, corrects) VALUES (2, 'T1', '2026-12-01', 30, '2026-08-01', NULL);
INSERT INTO switch_notice (message_id, tenant, switches_on, step, announced_on, corrects) VALUES (3, 'T1', '2026-12-02', 0, '2026-08-02', 2);

-- version 0014
INSERT INTO deposit_set_off (receipt_id, deposit_id, amount, reason, recorded_at) VALUES (2, 1, 100, 'impayé', '2026-07-02 08:00:00');
INSERT INTO final_statement (id, lease, tenant, closed_on, balance, content, recorded_at) VALUES (1, 'L1', 'T1', '2026-12-31', 0, '{}', '2026-12-31 08:00:00');

-- version 0015
INSERT INTO dunning_hold (id, kind, tenant, document_id, since, until, reason, recorded_by, recorded_at) VALUES (1, 'promise', 'T1', 1, '2026-08-01', '2026-08-31', 'accord', 'amina', '2026-08-01 08:00:00');
INSERT INTO dunning_act (id, message_id, tenant, acted_on, total, recorded_at) VALUES (1, 1, 'T1', '2026-08-01', 12000, '2026-08-01 08:00:00');
INSERT INTO dunning_hold_end (hold_id, ended_on, reason, recorded_by, recorded_at) VALUES (1, '2026-08-15', 'payé', 'amina', '2026-08-15 08:00:00');
INSERT INTO dunning_step (document_id, days, act_id, step_no, ladder, due_on, amount, fine, interest) VALUES (1, 8, 1, 1, 'house', '2026-07-01', 12000, 0, 0);
INSERT INTO interest_clause (id, tenant, lease, effective_from, rate, reason, recorded_by, recorded_at) VALUES (1, 'T1', 'L1', '2026-01-01', 1000, 'bail', 'amina', '2026-01-01 08:00:00');

-- version 0016
INSERT INTO proof_leaf (position, kind, key, form, hash) VALUES (0, 'document', 1, 1, X'0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO proof_node (level, position, hash) VALUES (4, 0, X'0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO proof_checkpoint (id, size, root, note, verifier_keys, signed_at) VALUES (1, 1, 'r', 'n', 'k', '2026-07-01 08:00:00');
INSERT INTO proof_timestamp (checkpoint_id, authority, response, stamped_at) VALUES (1, 'tsa', X'00', '2026-07-01 08:00:00');

-- version 0017
INSERT INTO unsettled_document (document_id, tenant) VALUES (1, 'T1');
INSERT INTO unsettled_placement (placement_id, tenant) VALUES (1, 'T1');

-- version 0018
INSERT INTO account (code, label) VALUES ('6167', 'Impôts, taxes et droits assimilés') ON CONFLICT DO NOTHING;
INSERT INTO message_delivery (message_id, state, attempts, recipient) VALUES (2, 'stopped', 0, 'a@b.ma');

-- version 0019

-- version 0020

-- version 0021
INSERT INTO app_user (name, email, role, created_at) VALUES ('amina', 'a@b.ma', 'finance', '2026-07-01 08:00:00');
INSERT INTO app_user (name, email, role, created_at) VALUES ('karim', 'k@b.ma', 'approver', '2026-07-01 08:00:00');
INSERT INTO approvals_begun (id, begun_at) VALUES (1, '2026-07-01 08:00:00');
INSERT INTO approval_order (id, kind, content, preview, digest, ordered_by, ordered_at) VALUES (1, 'refund', '{}', '{}', 'd', 'amina', '2026-07-01 08:00:00');
INSERT INTO approval_decision (order_id, ordered_by, outcome, decided_by, role, decided_at, result) VALUES (1, 'amina', 'approved', 'karim', 'approver', '2026-07-01 08:00:00', '{}');

-- version 0022

-- version 0023
INSERT INTO usage_void (usage_event_id, reason, voided_at) VALUES (1, 'saisi deux fois', '2026-06-02 08:00:00');
INSERT INTO usage_rebilling (usage_event_id, former_document_id, former_line_no, document_id, line_no) VALUES (1, 1, 1, 2, 1);

-- version 0024
INSERT INTO cancellation_count (credit_note_id, period) VALUES (2, '2026-06-01');

-- version 0025
INSERT INTO receipt_cancellation (receipt_id, cancelled_on, booked_on, reason, recorded_at) VALUES (2, '2026-07-05', '2026-07-05', 'erreur', '2026-07-05 08:00:00');
INSERT INTO refund_cancellation (refund_id, cancelled_on, booked_on, reason, recorded_at) VALUES (1, '2026-07-06', '2026-07-06', 'erreur', '2026-07-06 08:00:00');

-- version 0026
INSERT INTO bank_statement_withdrawal (statement_id, reason, recorded_at) VALUES (1, 'erreur', '2026-07-07 08:00:00');

-- version 0027
INSERT INTO receipt (id, means, reference, value_date, tenant, site, amount, payer_text, asked, recorded_at, booked_on, occurrence) VALUES (3, 'transfer', 'V3', '2026-06-30', 'T1', NULL, 100, '', '{}', '2026-07-08 08:00:00', '2026-07-01', 1);

-- version 0028
INSERT INTO brought_invoice (document_id, taken_on) VALUES (1, '2026-06-01');
INSERT INTO take_on (id, taken_on, recorded_at) VALUES (1, '2026-06-01', '2026-06-01 08:00:00');
INSERT INTO opening_balance (line_no, account, site, amount) VALUES (1, '5141', NULL, 100);
INSERT INTO opening_grant (grant_code, used) VALUES ('G1', 100);
INSERT INTO document (id, number, kind, period, issued_on, due_on, tenant, seller, buyer, net, tax, gross, advantage, contribution, discount_ends_on) VALUES (9, 'FA-2026-000009', 'invoice', NULL, '2026-08-01', '2026-09-30', 'T1', 'p', 'p', 10000, 2000, 12000, 0, 0, NULL);
INSERT INTO credit_reason (document_id, reason, issued_by) VALUES (9, 'badge perdu', 'amina');

-- version 0029
INSERT INTO debt_act (id, document_id, tenant, kind, decided_on, amount, vat, from_doubtful, reason, asked_by, approved_by, recorded_at, reference, booked_on) VALUES (3, 1, 'T1', 'recovered', '2026-06-30', 120, 20, 0, 'payé', 'amina', NULL, '2026-07-08 08:00:00', 'V4', '2026-07-01');
INSERT INTO debt_cancellation (debt_act_id, cancelled_on, booked_on, vat, reason, recorded_at) VALUES (3, '2026-07-08', '2026-07-08', 20, 'erreur', '2026-07-08 08:00:00');
INSERT INTO deposit_cancellation (deposit_id, movement_no, cancelled_on, booked_on, reason, recorded_at) VALUES (1, 1, '2026-07-08', '2026-07-08', 'erreur', '2026-07-08 08:00:00');
INSERT INTO certificate_withdrawal (receipt_id, kind, version, reason, recorded_at) VALUES (1, 'rent_withholding', 1, 'erreur', '2026-07-08 08:00:00');

-- version 0030
INSERT INTO run_hold (period, tenant, act_no, reason, recorded_at) VALUES ('2026-07-01', 'T1', 1, 'litige', '2026-07-08 08:00:00');

-- version 0031

-- version 0032

-- version 0033
INSERT INTO voucher_file (sha256, name, content, recorded_at) VALUES ('a', 'tva.pdf', X'00', '2026-07-08 08:00:00');
INSERT INTO manual_entry (id, effective_on, label, voucher, voucher_sha256, reason, recorded_at) VALUES (1, '2026-07-08', 'TVA', 'Télédéclaration', 'a', 'juin', '2026-07-08 08:00:00');
INSERT INTO manual_posting (manual_entry_id, line_no, account, auxiliary, site, amount) VALUES (1, 1, '4455', NULL, NULL, 100);
INSERT INTO manual_reversal (manual_entry_id, reversed_on, reason, recorded_at) VALUES (1, '2026-07-08', 'erreur', '2026-07-08 08:00:00');

-- version 0034
INSERT INTO vat_rate (service, effective_from, rate, treatment, reason) VALUES ('office', '2027-01-01', 0, 'exempt', 'article 91');

-- version 0035

-- version 0036
INSERT INTO cut_off (id, year, recorded_at) VALUES (1, 2026, '2027-01-05 08:00:00');
INSERT INTO cut_off_sum (cut_off_id, line_no, kind, site, account, amount) VALUES (1, 1, 'to_invoice', 'TNG', '71243', 100);

-- version 0037

-- version 0038
INSERT INTO proof_cosignature (checkpoint_id, witness, line, cosigned_at, recorded_at) VALUES (1, 'w', '— w k', '2026-07-08 08:00:00', '2026-07-08 08:00:00');

-- version 0039
INSERT INTO advance_vat (id, month, receipt_id, tenant, rate, amount, vat, recorded_at) VALUES (1, '2026-07-01', 1, 'T1', 2000, 12000, 2000, '2026-08-03 08:00:00');

-- version 0040
INSERT INTO webhook_endpoint (id, url, types, secret, created_at, created_by, disabled_at, disabled_for, removed_at) VALUES (1, 'https://erp.example/hook', '["document.issued"]', 'whsec_x', '2026-07-08 08:00:00', 'amina', NULL, NULL, NULL);
INSERT INTO webhook_progress (endpoint_id, told_until, attempts, failing_since, next_attempt_at, claimed_by, claimed_until) VALUES (1, '1.9.1', 0, NULL, NULL, NULL, NULL);
INSERT INTO webhook_attempt (id, endpoint_id, event_id, type, attempted_at, milliseconds, status, failure) VALUES (1, 1, '1.9.1', 'tenant.created', '2026-07-08 08:00:00', 12, 204, NULL);

-- version 0041
INSERT INTO unit (site, code, kind, area, floor) VALUES ('TNG', 'A', 'office', 1000000, '1');

-- version 0042
INSERT INTO survey (tenant, year, jobs, export_share, satisfaction, active, left_as) VALUES ('T1', 2026, 7, 2500, 82000000, 'yes', '');

-- version 0043

-- version 0044
INSERT INTO job (name, owner, token, scopes, sites, method, address, headers, request_id, state, attempts, ordered_at) VALUES ('6e9c5b1e-0000-4000-8000-000000000001', 'token amina', 'amina', ' finance ', '[]', 'GET', '/v1/ledger/exports?format=csv', '{}', 'r1', 'queued', 0, '2026-06-01 08:00:00');

-- version 0045
INSERT INTO application (code, tenant, legal_name, kind, site, area, received_on, state, decided_on, incorporated_on) VALUES ('C1', NULL, 'Argan Robotique', 'startup', 'TNG', 22500000, '2026-07-08', 'waiting', '2026-07-09', NULL);

-- version 0046
INSERT INTO rate (site, service, tenant_kind, effective_from, market, subsidised, subsidised_price, full_cost, source, in_kind) VALUES ('TNG', 'office', '', '2027-01-01', 4000000, '0.00', 0, 2500000, '', 'yes');
