"""Datasets: rows with keys that stay the same wherever the rows go.

Nothing here imports torch, pandas or transformers.
"""
