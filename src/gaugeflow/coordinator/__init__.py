"""Runs of the workflow: where they are, submitting, watching, resuming and ending them, and what is complete."""
