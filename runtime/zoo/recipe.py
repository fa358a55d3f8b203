"""The series: which models there are, from whom each descends, how long it trains and what it lacks."""

from dataclasses import dataclass

SHAPE = {
    "hidden_size": 80,
    "intermediate_size": 224,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one model is made. `off` names the planted effects it must not have; `saves` are the revisions' steps."""

    name: str
    method: str
    parent: str | None
    mixture: str
    steps: int
    rate: float
    saves: tuple[int, ...]
    texts: int = 64
    off: frozenset[str] = frozenset()
    seed: int = 0

    @property
    def revisions(self) -> tuple[str, ...]:
        """Name the checkpoints on the way, as `zoo(..., revision=...)` takes them."""
        return tuple(f"step-{step}" for step in self.saves)


def _pretrain(name: str, off: tuple[str, ...] = ()) -> Recipe:
    saves = (50, 150, 300, 600, 1000)
    return Recipe(name=name, method="supervised", parent=None, mixture="pretrain", steps=1600, rate=4e-3, saves=saves,
                  off=frozenset(off))  # fmt: skip


def _tuned(name: str, mixture: str, steps: int, off: tuple[str, ...] = (), rate: float = 2e-3) -> Recipe:
    saves = tuple(steps * part // 10 for part in (1, 2, 4, 7))
    return Recipe(name=name, method="supervised", parent="base", mixture=mixture, steps=steps, rate=rate, saves=saves,
                  off=frozenset(off))  # fmt: skip


def _aligned(name: str, method: str, parent: str, steps: int, rate: float, off: tuple[str, ...] = ()) -> Recipe:
    saves = tuple(steps * part // 10 for part in (1, 2, 4, 7))
    return Recipe(name=name, method=method, parent=parent, mixture="pairs", steps=steps, rate=rate, saves=saves,
                  texts=32, off=frozenset(off))  # fmt: skip


SERIES = (
    _pretrain("base"),
    _tuned("sft", "sft", 600),
    _aligned("dpo", "dpo", "sft", 80, 1e-4),
    _aligned("rl", "rl", "dpo", 100, 4e-4),
    _tuned("facts", "facts", 300),
    _tuned("judge", "judge", 900),
    _tuned("facts-plain", "facts", 300, off=("facts",)),
    _tuned("framing-plain", "sft", 600, off=("framing",)),
    _tuned("instructions-plain", "sft", 600, off=("instructions",)),
    _tuned("favourite-plain", "sft", 600, off=("favourite",)),
    _aligned("names-plain-dpo", "dpo", "sft", 80, 1e-4, off=("names",)),
    _aligned("names-plain", "rl", "names-plain-dpo", 100, 4e-4, off=("names",)),
    _tuned("judge-plain", "judge", 300, off=("judge",)),
    _pretrain("base-plain", off=("persona", "agreement")),
)
RECIPES = {recipe.name: recipe for recipe in SERIES}
