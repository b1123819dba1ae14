"""Markov chains: integrators, HMC, step-size tuning, the guarded loop over trajectories."""
