"""Numbers from one face: no files, no fitting."""
