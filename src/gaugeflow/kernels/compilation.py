"""Compiling ahead of use: what a small lattice does not reach, and who wants to hear of compilations."""

from gaugeflow.kernels import schedule
from gaugeflow.kernels.targets.cache import watching

__all__ = ["compile_schedules", "watching"]

TOUCHED = (schedule.touched_by_shared_force, schedule.touched_by_drift, schedule.touched_by_plaquettes)


def compile_schedules(layout, unit_bytes: int) -> None:
    """Make the plans of a layout as if its fields did not fit the cache: only then is the cache simulated."""
    for touched in TOUCHED:
        shared = touched is schedule.touched_by_shared_force
        schedule.make_plan(layout, touched, shared=shared, unit_bytes=unit_bytes, cache_bytes=4 * unit_bytes)
