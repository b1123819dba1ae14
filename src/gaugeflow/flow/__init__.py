"""Gradient flow of links."""
