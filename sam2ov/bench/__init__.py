"""How fast a model runs on this machine: end to end, where the time goes, and beside torch.

Timings alternate between what is compared, medians are reported, and the load of the machine
stands beside them.
"""
