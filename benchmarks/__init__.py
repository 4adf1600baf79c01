"""One module per claim of the documentation: `python -m benchmarks.NAME`."""
