"""Texts that models write: what a stage of writing is asked, how it is done, and the values that come out."""
