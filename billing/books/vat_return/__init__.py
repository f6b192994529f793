"""The VAT return's working paper: what fell due in a month, by return code and rate, receipt by receipt."""
