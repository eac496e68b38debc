"""The page: what stands where, and which handler answers what."""
