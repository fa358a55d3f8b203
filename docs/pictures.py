"""Draw the pictures of the documentation anew, from runs: `python docs/pictures.py`, or `make pictures`.

`images/EXAMPLE-PLOT.png` is the plot of that name in `examples/EXAMPLE.probe`; `images/report.png` is the report of
`first.probe` as a headless Chromium shows it, and is left as it is where there is no such browser.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import probelang

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS.parent / "examples"
IMAGES = DOCS / "images"
REPORT = "report.png"
SIZE = (1040, 1120)  # pixels of the page's beginning
SCALE = 1.25  # of plots: their labels are then as large as the text of a page
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def wanted() -> dict[str, list[str]]:
    """The plots that the pages show, by example."""
    found: dict[str, list[str]] = {}
    for image in sorted(IMAGES.glob("*.png")):
        if image.name != REPORT:
            example, _, plot = image.stem.partition("-")
            found.setdefault(example, []).append(plot)
    return found


def plots(example: str, names: list[str]) -> None:
    """Run an example and draw its plots."""
    run = probelang.run(EXAMPLES / f"{example}.probe")
    for name in names:
        run.plots[name].save(IMAGES / f"{example}-{name}.png", scale_factor=SCALE)
        print(f"images/{example}-{name}.png")


def report(folder: Path) -> None:
    """Run the first spec and take a picture of its report; without a browser, say so."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print(f"images/{REPORT} is left as it is: none of {', '.join(BROWSERS)} is installed", file=sys.stderr)
        return
    page = probelang.run(DOCS / "first.probe", out=folder / "first").directory / "report.html"
    shot = folder / REPORT
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"]
    command = [browser, *options, f"--user-data-dir={folder / 'profile'}", f"--screenshot={shot}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if not shot.is_file():
        raise SystemExit(f"{browser} took no picture:\n{done.stderr}")
    shutil.copyfile(shot, IMAGES / REPORT)
    print(f"images/{REPORT}")


def main() -> None:
    """Draw all of them, or those of the examples that are named (`report` is the report)."""
    chosen = sys.argv[1:]
    with TemporaryDirectory() as folder:
        for example, names in wanted().items():
            if not chosen or example in chosen:
                plots(example, names)
        if not chosen or "report" in chosen:
            report(Path(folder))


if __name__ == "__main__":
    main()
