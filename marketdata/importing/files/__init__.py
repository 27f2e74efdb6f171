"""A file's rows as they stand in it: found, unpacked, decoded, their dialect recognized."""
