"""The commands, each in the file of its name: `configure(parser)`, and `main(options, console)` with the exit code."""

COMMANDS = {
    "check": "find every mistake that can be found without running",
    "run": "run a spec: tables, plots, a report",
    "plan": "show what would be computed, and what it would cost",
    "why": "say what of a run is stored, and why the rest is not",
    "cache": "list, measure, prune or check the store of computed values",
    "tokens": "show the prompts as each model sees them, token by token",
    "fmt": "format specs",
    "new": "start a spec that runs",
    "zoo": "list the small models and the data that ship",
    "sites": "list the sites of a model",
    "operations": "list the operations, or explain one",
    "explain": "tell more about an error or warning",
    "compile": "print the IR of a spec, as JSON",
    "schema": "print the JSON Schema of the IR",
}
