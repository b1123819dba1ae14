"""Estimates from correlated time series: jackknife, Gamma method, pulls. Pure NumPy; pyerrors is imported on demand."""
