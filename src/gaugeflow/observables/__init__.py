"""Gauge-invariant measurements; `registry.OBSERVABLES` lists them."""
