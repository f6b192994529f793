"""Late payment: the steps of reminders, the fine of the law and interest by contract."""
