"""Files of other codes: what their headers say, their links, their checksums, read and written block by block."""
