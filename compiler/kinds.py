"""The kinds of value in the language. A kind says what a value is; its axes say how many there are.

Classes are markers, used as annotations of operations and compared by the checker; they are never instantiated.
Subclassing is subtyping: a `Direction` may stand wherever a `Vector` is asked for.
"""


class Kind:
    """Any value of the language; never used as an annotation itself."""

    spoken = "value"


class Number(Kind):
    spoken = "number"


class Integer(Number):
    spoken = "integer"


class Boolean(Kind):
    spoken = "boolean"


class Text(Kind):
    spoken = "text"


class Vector(Kind):
    spoken = "vector"


class Activation(Vector):
    """Vectors read at a site and tokens."""

    spoken = "activation"


class Direction(Vector):
    """Vectors at a site that know how they were made."""

    spoken = "direction"


class Matrix(Kind):
    """A weight matrix of a model part."""

    spoken = "weights"


class Distribution(Kind):
    """A next-token distribution: logits over the vocabulary."""

    spoken = "distribution"


class Model(Kind):
    spoken = "model"


class Dataset(Kind):
    spoken = "dataset"


class Prompts(Kind):
    spoken = "prompts"


class Contrast(Prompts):
    """Prompts with a `side` axis: positive and negative."""

    spoken = "contrast"


class Generated(Prompts):
    """Prompts with a segment `response`, written by a model."""

    spoken = "generated prompts"


class Tokens(Kind):
    spoken = "tokens"


class Pool(Kind):
    """Tokens pooled to one vector: `.mean`, `.max`, `.sum`."""

    spoken = "pooled tokens"


class Site(Kind):
    spoken = "site"


class Intervention(Kind):
    spoken = "intervention"


class WordList(Kind):
    """Words to look for in a text, with how they count."""

    spoken = "word list"


class Paths(Kind):
    spoken = "paths"


class Classifier(Kind):
    spoken = "classifier"


class SteerPath(Kind):
    """A path of representations, with the statistics measured along it."""

    spoken = "steering path"


class Test(Kind):
    """A record of a test: `.stat .p .adjusted .n .value .z`."""

    spoken = "test"


class Table(Kind):
    spoken = "table"


class File(Kind):
    spoken = "file"


class AxisName(Kind):
    """The name of an axis of another argument, as in `over=layer`."""

    spoken = "axis"


class Nothing(Kind):
    """`none`: no intervention, no context."""

    spoken = "none"


class SystemMode(Kind):
    """`default`, `empty` or `none`: the three meanings of no system prompt."""

    spoken = "system prompt mode"


class AdapterSpec(Kind):
    spoken = "adapter recipe"


class Rows(Kind):
    """A selection of items: a dataset restricted to some keys."""

    spoken = "items"


class Plot(Kind):
    spoken = "plot"


class ColumnName(Kind):
    """A column of the dataset argument beside it, or an expression over its columns."""

    spoken = "column"


class Place(Kind):
    """A site at tokens, as the place of an edit: not read."""

    spoken = "site at tokens"


class Part(Kind):
    """A part of a model's weights: `attn.q`, `mlp`, `norms`."""

    spoken = "part of the weights"


class Column(Kind):
    """A column of a dataset: text, numbers or truth values, known when the file is read."""

    spoken = "column"


class Run(Kind):
    """A model running on prompts under interventions."""

    spoken = "run"


class Unknown(Kind):
    """What an expression with an error is; it fits everywhere, so that one mistake is reported once."""

    spoken = "unknown"
