"""Marks of plots."""
