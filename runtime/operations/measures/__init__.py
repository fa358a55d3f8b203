"""Measures of a next-token distribution: kernels on logits."""
