"""The other side of parity: the authors' code in torch, on seeded random weights."""
