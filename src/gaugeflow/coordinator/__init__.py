"""Runs of the workflow: where they lie, what they have finished, what can be said of it already."""
