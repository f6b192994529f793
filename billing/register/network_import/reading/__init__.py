"""Reads the tables of a network folder row by row, whatever their size: CSV, what a French spreadsheet writes, XLSX.

A CSV file separated by commas is read as the contract spells it: UTF-8, decimal point, ISO days. One separated by
semicolons or tabs is what a French spreadsheet writes: its decimal sign and days are found from whole columns, and
its cells come out in the contract's spelling. Workbooks have real numbers and days.
"""

from billing.register.network_import.reading.folder import FolderTables, find_tables
from billing.register.network_import.reading.header import NumberedRow, UnreadableFile
from billing.register.network_import.reading.rows import read_rows
from billing.register.network_import.reading.workbook_rows import TableFile

__all__ = ["FolderTables", "NumberedRow", "TableFile", "UnreadableFile", "find_tables", "read_rows"]
