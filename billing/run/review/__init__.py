"""The review of a run before it is ordered (R24): document by document, against the run before, with its digest."""
