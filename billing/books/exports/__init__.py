"""The books as JSON, CSV or XLSX: the trial balance in the contract's shape; the journal's formats are in
`ledger.exports`.
"""
