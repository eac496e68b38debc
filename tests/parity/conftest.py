"""Settings of the parity tests."""

import torch

# Two torch threads wait for each other at every layer when anything else runs on the machine:
# on two busy cores a frame then takes six times as long as with one.
torch.set_num_threads(1)
