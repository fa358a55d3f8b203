"""From nodes of the graph to what they name: model folders, tables, rendered prompts, positions, labels. No torch."""
