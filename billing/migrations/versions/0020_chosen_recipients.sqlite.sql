ALTER TABLE delivery ADD COLUMN chosen_recipient TEXT
-- next
ALTER TABLE message_delivery ADD COLUMN chosen_recipient TEXT
-- next
UPDATE delivery SET chosen_recipient = recipient WHERE state <> 'sent'
  AND recipient <> (SELECT json_extract(p.content, '$.email') FROM document d JOIN party p ON p.digest = d.buyer WHERE d.id = delivery.document_id)
  AND NOT EXISTS (SELECT 1 FROM document d JOIN tenant t ON t.code = d.tenant WHERE d.id = delivery.document_id AND t.email = delivery.recipient)
-- next
UPDATE message_delivery SET chosen_recipient = recipient WHERE state NOT IN ('sent', 'stopped')
  AND recipient <> (SELECT m.recipient FROM message m WHERE m.id = message_delivery.message_id)
  AND NOT EXISTS (SELECT 1 FROM message m JOIN tenant t ON t.code = m.tenant WHERE m.id = message_delivery.message_id AND t.email = message_delivery.recipient)
