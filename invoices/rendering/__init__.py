"""How a document looks: its texts, its page, its PDF/A-3. A pure function of the snapshot, byte for byte."""
