"""The page: complete, self-contained, every link resolves, and text from elsewhere stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from probelang.runtime.report.html import page
from probelang.runtime.report.listing import spec_lines
from probelang.runtime.results import Claim, Run
from tests.helpers_report import HOSTILE, SPEC, run

FETCHING = {"src", "href", "srcset", "action", "poster", "data", "xlink:href"}


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[tuple[dict, str]] = []
        self.text: list[str] = []
        self.inside: dict | None = None
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [v for k, v in found.items() if k in FETCHING]
        self.handlers += [k for k in found if k.startswith("on")]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag == "script":
            self.inside = found
            self.scripts.append((found, ""))

    def handle_data(self, data: str) -> None:
        if self.inside is None:
            self.text.append(data)
        else:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = None if tag == "script" else self.inside


@pytest.fixture(scope="module")
def html() -> str:
    return page(run())


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    return Reader(html)


def test_one_small_file(html):
    assert len(html.encode()) < 3_000_000 and html.lstrip().startswith("<!doctype html>")


def test_nothing_is_loaded_from_elsewhere(read):
    outside = [link for link in read.links if not link.startswith(("#", "data:image/"))]
    assert outside == ["manifest.json"]
    assert not {"link", "iframe", "object", "embed", "form", "base"} & set(read.tags)


def test_every_link_within_the_page_resolves(read):
    targets = {link[1:] for link in read.links if link.startswith("#")}
    assert targets <= set(read.ids) and len(read.ids) == len(set(read.ids))
    lines = {f"L{n}" for n in range(1, len(SPEC.splitlines()) + 1)}
    assert lines <= set(read.ids)


def test_the_policy_allows_exactly_the_scripts_of_the_page(read):
    run_by_browser = [body for attributes, body in read.scripts if attributes.get("type") != "application/json"]
    hashes = {base64.b64encode(hashlib.sha256(b.encode()).digest()).decode() for b in run_by_browser}
    assert hashes == set(re.findall(r"'sha256-([^']+)'", read.policy)) and len(hashes) == 2
    assert "default-src 'none'" in read.policy and "unsafe-eval" not in read.policy and "http" not in read.policy


def test_each_number_names_its_line(read):
    text = " ".join(read.text)
    for result in run().results:
        assert f"table-{result.name}" in read.ids
        assert f"line {result.line}" in text


def test_verdicts_come_first_and_tables_after_figures(html):
    order = [html.index(f'<section id="{name}"') for name in ("claims", "figures", "tables", "warnings", "spec")]
    assert order == sorted(order) and "−0.0312" in html[order[0] : order[1]]


def test_charts_travel_as_data_that_cannot_end_its_block(read):
    charts = [json.loads(body) for attributes, body in read.scripts if attributes.get("type") == "application/json"]
    assert len(charts) == len(run().plots)
    assert all(chart["config"]["axis"]["labelColor"] == "currentColor" for chart in charts)


def test_hostile_text_stays_text():
    bad = HOSTILE + "</script><img src=x onerror=alert(1)>"
    claims = (Claim("c", 1, bad, "fail", bad, {bad: bad}),)
    previews = ({"prompts": bad, "model": bad, "tokens": [{"text": bad, "kind": bad, "segment": bad}], "notes": [bad]},)
    manifest = {bad: {bad: bad}, "started": bad, "models": [bad]}
    hostile = replace(run(), name=bad, claims=claims, previews=previews, warnings=(bad,), plots=(), manifest=manifest)
    read = Reader(page(replace(hostile, spec_text=f"probe 1\n# {bad}\n")))
    assert "img" not in read.tags and not read.handlers and len(read.scripts) == 1
    assert "\u202e" not in "".join(read.text) and read.tags.count("script") == 1


def test_a_run_with_nothing_in_it():
    text = page(Run("empty", "probe 1\n", "empty.probe"))
    assert "empty" in text and "Claims" not in text and len(text) < 60_000


def test_pictures_only():
    text = page(replace(run(), plots=run().plots[2:4]), interactive=False)
    assert "vegaEmbed =" not in text and text.count("data:image/svg+xml;base64,") == 2


def test_the_listing_colours_without_changing_the_text():
    lines = spec_lines(SPEC, {5: [("table-x", "table")]})
    plain = [re.sub("<[^>]+>", "", str(line.html)) for line in lines]
    unescaped = [p.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'") for p in plain]
    assert unescaped == SPEC.rstrip("\n").split("\n") and lines[4].made == (("table-x", "table"),)


def test_a_notebook_sees_claims_pictures_and_tables_but_no_script():
    read = Reader(replace(run(), plots=run().plots[:1])._repr_html_())
    assert "script" not in read.tags and read.tags.count("img") == 1 and "FAIL" in "".join(read.text)


def test_code_in_the_abstract_is_set_as_code_and_escaped():
    made = page(replace(run(), spec_text="probe 1\n# `-p a<b` asks <b>another</b> `x`.\n"))
    assert "<code>-p a&lt;b</code> asks &lt;b&gt;another&lt;/b&gt; <code>x</code>." in made
    odd = page(replace(run(), spec_text="probe 1\n# one ` alone <i>\n"))
    assert "one ` alone &lt;i&gt;" in odd
