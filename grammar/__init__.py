"""Text and tree: the grammar, nodes with spans, the formatter, diagnostics. Knows nothing of models."""
