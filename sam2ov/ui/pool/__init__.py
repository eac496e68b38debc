"""The models in use, shared by all tabs, and whose turn it is on them."""
