"""Property tests under one profile: no time limit per example, since the machine may be busy, and no files."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit", deadline=None, database=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")
