"""Models, tokens, sites, the engine, operations and results. Only this package imports torch or nnsight."""
