ALTER TABLE receipt ADD COLUMN booked_on DATE
-- next
ALTER TABLE refund ADD COLUMN booked_on DATE
