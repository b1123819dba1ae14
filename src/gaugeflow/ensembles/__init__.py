"""Ensembles in files: one HDF5 layout, written whole or not at all, read with every byte accounted for."""
