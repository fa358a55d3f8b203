"""IR, checker, logical graph, stages, passes and plan text. Imports `grammar` only; never torch."""
