"""What all tests share."""

from hypothesis import settings

# New random examples are for finding faults: `pytest --hypothesis-profile=default`. A check that decides whether a
# change may land must say the same thing twice.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
