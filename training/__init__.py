"""The recipe of the bundled `micro` model."""
