"""gaugeflow: gauge ensembles, flow, networks and tables for lattice field theory."""

__version__ = "0.1.0"
