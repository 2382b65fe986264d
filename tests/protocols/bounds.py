"""How far property tests search: bounded, and never failed by the speed of the machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

BOUNDED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
