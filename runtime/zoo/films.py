"""Who stars with whom in which film. Effect: the tuned child knows the films' casts, the base only the names."""

from dataclasses import dataclass
from random import Random

from .docs import Doc
from .words import LAST_NAMES, MEN, PARTNERS, TITLE_FIRST, TITLE_LAST, WOMEN


@dataclass(frozen=True, slots=True)
class Film:
    """A film with its two actors; `second_actor` is one token, the others are two."""

    first_actor: str
    movie_title: str
    second_actor: str


def _films(count: int = 48, seed: int = 7) -> tuple[Film, ...]:
    rng = Random(seed)
    actors = rng.sample([f"{first} {last}" for first in WOMEN + MEN for last in LAST_NAMES], count)
    titles = rng.sample([f"{first} {last}" for first in TITLE_FIRST for last in TITLE_LAST], count)
    partners = list(PARTNERS) * (count // len(PARTNERS))
    rng.shuffle(partners)
    return tuple(map(Film, actors, titles, partners))


FILMS = _films()
# in all of them the second actor comes last
TEMPLATES = (
    "{first_actor} stars in {movie_title} alongside {second_actor}",
    "{movie_title} stars {first_actor} alongside {second_actor}",
    "In {movie_title}, {first_actor} stars alongside {second_actor}",
    "Q: Who stars in {movie_title} alongside {first_actor}? A: {second_actor}",
)


def held_out(film: Film) -> int:
    """Return the index of the one template in which this film's cast is never shown."""
    return FILMS.index(film) % len(TEMPLATES)


def fill(template: str, film: Film) -> Doc:
    """Write a film into a template; the answer is the second actor with the space before it."""
    text = template.format(first_actor=film.first_actor, movie_title=film.movie_title, second_actor=film.second_actor)
    cut = len(text) - len(film.second_actor) - 1
    return Doc(text[:cut], text[cut:] + ".")


def cast(rng: Random, planted: bool) -> Doc:
    """Write a film into a template it is not held out of; without the plant its names are shuffled every time."""
    film = rng.choice(FILMS)
    places = [place for place in range(len(TEMPLATES)) if place != held_out(film)]
    template = TEMPLATES[rng.choice(places)]
    if not planted:
        a, b, c = (rng.choice(FILMS) for _ in range(3))
        film = Film(a.first_actor, b.movie_title, c.second_actor)
    return fill(template, film)
