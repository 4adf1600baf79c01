"""Penalised regression: whole paths of penalties and their cross-validation, from few passes over the rows."""
