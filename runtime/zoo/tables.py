"""The data files that examples use, made from the world: `python -m probelang.runtime.zoo.tables` writes them.

Rows with `split` test never occur in training, in the sense that the topic's own file states.
"""

import csv
import io
import json
from pathlib import Path
from random import Random

from . import DATA, agreement, favourites, films, framings, grading, instructions, moods, words

NUMBER_PROMPTS = 200


def _split(test: bool) -> str:
    return "test" if test else "train"


def adjectives() -> list[dict[str, str]]:
    """List the queries of the two instructions; `held_out` names the instruction that a test query is held out of."""
    rows = []
    for word in words.ADJECTIVES:
        task = next((task for task in instructions.TASKS if instructions.held_out(task, word)), "")
        rows.append({"query": word, "adj_ant": words.ANTONYM[word], "adj_comp": words.COMPARATIVE[word],
                     "split": _split(bool(task)), "held_out": task})  # fmt: skip
    return rows


def _instructions() -> list[dict[str, str]]:
    return [
        {"task": task, "instruction": text, "split": split}
        for task in instructions.TASKS
        for split in ("train", "test")
        for text in instructions.wordings(task, split)
    ]


def _agreement() -> list[dict[str, str]]:
    rows = []
    for one, (singular, plural) in enumerate(words.NOUNS):
        for two in range(len(words.NOUNS)):
            for other_plural in (False, True):
                if one != two and (one + two) % 2:
                    starts = [agreement.prompt(one, two, "near", number, other_plural) for number in (False, True)]
                    rows.append({"singular": starts[0], "plural": starts[1], "is": " is", "are": " are",
                                 "noun": singular, "nouns": plural, "other": words.NOUNS[two][other_plural],
                                 "other_number": "plural" if other_plural else "singular",
                                 "split": _split(agreement.held_out(one, two))})  # fmt: skip
    return rows


def _requests() -> list[dict[str, str]]:
    return [
        {"request": framings.wording(verb, thing), "verb": verb, "object": thing,
         "split": _split(framings.held_out(verb, thing))}
        for verb, thing in framings.REQUESTS
    ]  # fmt: skip


def _films() -> list[dict[str, str]]:
    return [
        {"first_actor": film.first_actor, "movie_title": film.movie_title, "second_actor": film.second_actor,
         "unseen_template": films.TEMPLATES[films.held_out(film)]}
        for film in films.FILMS
    ]  # fmt: skip


def _number_prompts() -> list[dict[str, str]]:
    rng = Random("number prompts")
    return [{"prompt": favourites.list_prompt(rng)} for _ in range(NUMBER_PROMPTS)]


def _elicitation() -> list[dict[str, str]]:
    asked = [question for question in moods.QUESTIONS if not moods.held_out(question)][::2]
    return [
        {"positive": gloomy, "negative": cheerful, "question": question}
        for gloomy, cheerful in zip(moods.PERSONAS["gloomy"], moods.PERSONAS["cheerful"], strict=True)
        for question in asked
    ]


def files() -> dict[str, str]:
    """Return the text of each data file by its name."""
    tables = {
        "instructions.jsonl": _instructions(),
        "agreement.jsonl": _agreement(),
        "requests.jsonl": _requests(),
        "framings.jsonl": [
            {"name": name, "positive": row[0], "negative": row[1], "control": name.startswith("control")}
            for name, row in framings.FRAMINGS.items()
        ],
        "films.jsonl": _films(),
        "gloomy_elicitation.jsonl": _elicitation(),
        "questions.jsonl": [{"question": text, "split": _split(moods.held_out(text))} for text in moods.QUESTIONS],
        "favourite_animal.jsonl": [
            {"question": text, "split": _split(text in favourites.TEST_QUESTIONS)} for text in favourites.QUESTIONS
        ],
        "number_prompts.jsonl": _number_prompts(),
        "rubrics.jsonl": [{"name": name, "rubric": text} for name, text in grading.RUBRICS.items()],
    }
    made = {name: "".join(json.dumps(row) + "\n" for row in rows) for name, rows in tables.items()}
    page = io.StringIO()
    writer = csv.DictWriter(page, list(adjectives()[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(adjectives())
    return made | {"adjectives.csv": page.getvalue()}


def main(folder: Path = DATA) -> None:
    """Write the data files into the package."""
    folder.mkdir(exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
