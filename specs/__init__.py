"""The library that ships: contrasts, tasks and whole protocols, to `use`."""
