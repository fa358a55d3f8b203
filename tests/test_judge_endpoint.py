"""Judges behind an endpoint: a server on this machine that answers, is down, is slow, refuses, or sends rubbish."""

import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import probelang
from probelang.runtime.errors import ProbeError
from probelang.runtime.judges.client import NoReply, Reply, read
from probelang.runtime.judges.config import endpoint
from probelang.runtime.judges.endpoint import expectation

TEXTS = ["grim", "merry", "bleak", "joyful", "grim", "dull"]
SPEC = """probe 1
model grader = endpoint("grader")
dataset texts = file("texts.jsonl")
statistic score = judge(texts.text, rubric="Rate the gloom from 0 to 10.", scale="0..10") on grader
statistic mass  = judge(texts.text, rubric="Rate the gloom from 0 to 10.", scale="0..10", give="mass") on grader
claim some = mean(score) > 3
"""


def completion(first: dict[str, float], written: list[str] | None = None) -> dict:
    """A chat completion with the probabilities of the first token."""
    top = [{"token": token, "logprob": math.log(p)} for token, p in first.items()]
    tokens = written or [max(first, key=first.get), "."]
    content = [{"token": t, "logprob": -0.1, "top_logprobs": top if i == 0 else []} for i, t in enumerate(tokens)]
    return {"choices": [{"message": {"content": "".join(tokens)}, "logprobs": {"content": content}}]}


class Server:
    """A server whose `answer(question)` gives (status, headers, body) or a body; it counts the calls and keeps them."""

    def __init__(self, answer):
        self.answer, self.calls, self.headers, lock = answer, [], [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.calls.append(sent)
                    outer.headers.append(dict(self.headers))
                found = outer.answer(sent["messages"][0]["content"])
                status, headers, body = found if isinstance(found, tuple) else (200, {}, found)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def gloom(question: str) -> dict:
    """The judge that the tests expect: sure of the extremes, in two minds about the rest."""
    if "grim" in question or "bleak" in question:
        return completion({"9": 0.5, " 10": 0.25, "The": 0.25})
    if "dull" in question:
        return completion({"I": 0.9, "7": 0.1}, ["I", " cannot"])
    return completion({"0": 0.5, "1": 0.5})


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": t, "n": i}) + "\n" for i, t in enumerate(TEXTS)))
    (tmp_path / "spec.probe").write_text(SPEC)
    monkeypatch.setenv("PROBELANG_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("GRADER_KEY", "sk-secret")
    return tmp_path


@pytest.fixture
def server():
    made = []

    def start(answer):
        made.append(Server(answer))
        return made[-1]

    yield start
    for one in made:
        one.close()


def configure(root, url, **more):
    settings = {"url": url, "model": "judge-1", "key_env": "GRADER_KEY", "backoff": 0.01, "retries": 2, **more}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (root / "config.toml").write_text("[endpoint.grader]\n" + "\n".join(lines) + "\n")


def run(root, **options):
    return probelang.run(root / "spec.probe", out=None, store=root / "store", **options)


def cells(found, name="score"):
    frame = found.items[name]
    reasons = frame["reason"] if "reason" in frame.columns else [None] * len(frame)
    return [v if r is None else r for v, r in zip(frame["value"], reasons)]


WANTED = [(9 * 0.5 + 10 * 0.25) / 0.75, 0.5]
REFUSED = "the judge put 10% of its probability on integers of the scale"


def test_scores_are_kept_and_asked_once(root, server):
    one = server(gloom)
    configure(root, one.url)
    found = run(root)
    scores = cells(found)
    assert scores[:5] == pytest.approx([WANTED[0], WANTED[1], WANTED[0], WANTED[1], WANTED[0]])
    assert scores[5] == REFUSED
    assert cells(found, "mass") == pytest.approx([0.75, 1, 0.75, 1, 0.75, 0.1])
    # five different texts, and both statistics ask the same
    assert len(one.calls) == 5 and found.run.manifest["endpoints"]["grader"]["asked"] == 5
    sent = one.calls[0]
    assert sent["model"] == "judge-1" and sent["logprobs"] is True and sent["top_logprobs"] == 20
    assert {h["Authorization"] for h in one.headers} == {"Bearer sk-secret"}
    again = run(root)
    assert len(one.calls) == 5 and cells(again) == cells(found)
    assert again.run.manifest["endpoints"]["grader"]["kept"] == 5
    written = "".join(p.read_text() for p in (root / "store").rglob("*.json"))
    assert "sk-secret" not in written and one.url not in written


def test_a_kept_reply_that_has_changed_is_asked_again(root, server):
    one = server(gloom)
    configure(root, one.url)
    found = run(root)
    for number, path in enumerate(sorted((root / "store" / "replies").rglob("*.json"))):
        text = path.read_text()
        at = text.index('"sum"') - 4 if number % 2 else text.index("0.")
        path.write_text(text[:at] + ("7" if text[at] != "7" else "8") + text[at + 1 :])
    again = run(root)
    assert len(one.calls) == 10 and cells(again) == cells(found)


def test_replies_that_cannot_be_kept_are_used(root, server):
    configure(root, server(gloom).url)
    (root / "store").mkdir()
    (root / "store" / "replies").write_text("")
    found = run(root)
    assert cells(found)[:2] == pytest.approx(WANTED)
    assert [w["code"] for w in found.run.warnings if isinstance(w, dict)] == ["store-not-written"]


def test_a_server_that_is_down_leaves_cells_and_a_later_run_goes_on(root, server):
    gone = server(gloom)
    address = gone.url
    gone.close()
    configure(root, address)
    found = run(root)
    reason = "it cannot be reached: connection refused (3 tries)"
    assert set(cells(found)) == {f"the endpoint `grader` gave no reply: {reason}"}
    assert found.claims["some"].verdict == "not computed"
    assert [w["code"] for w in found.run.warnings if isinstance(w, dict)] == ["no-reply"]
    configure(root, server(gloom).url)
    assert cells(run(root))[:2] == pytest.approx(WANTED)


def test_what_was_answered_is_kept_when_the_server_fails_on_the_way(root, server):
    first = server(lambda q: gloom(q) if "grim" in q or "merry" in q else (500, {}, {"error": "sk-secret"}))
    configure(root, first.url, concurrency=1)
    found = run(root)
    reason = "the endpoint `grader` gave no reply: it answered with status 500 (3 tries)"
    assert cells(found)[2:4] == [reason, reason] and cells(found)[:2] == pytest.approx(WANTED)
    assert found.run.manifest["endpoints"]["grader"]["without"] == {reason: 3}
    first.answer, before = gloom, len(first.calls)
    again = run(root)
    assert len(first.calls) - before == 3  # only what was open
    assert cells(again)[2:4] == pytest.approx(WANTED) and cells(again)[5] == REFUSED


def test_a_server_that_is_busy_is_asked_again_when_it_says(root, server):
    seen = set()

    def busy(question):
        if question not in seen:
            seen.add(question)
            return 429, {"Retry-After": "0.02"}, b"slow down"
        return gloom(question)

    one = server(busy)
    configure(root, one.url)
    assert cells(run(root))[:2] == pytest.approx(WANTED)
    assert len(one.calls) == 10


def test_a_key_that_is_refused_spares_the_other_calls(root, server):
    one = server(lambda q: (401, {}, b"no"))
    configure(root, one.url, concurrency=1)
    reasons = cells(run(root))
    assert len(one.calls) <= 2
    assert reasons[0] == "the endpoint `grader` gave no reply: it answered with status 401"
    assert reasons[-1] == "the endpoint `grader` was not asked again: it answered with status 401"


def test_many_failures_in_a_row_spare_the_rest(root, server):
    (root / "texts.jsonl").write_text("".join(json.dumps({"text": f"t{i}"}) + "\n" for i in range(40)))
    one = server(lambda q: (503, {}, b""))
    configure(root, one.url, concurrency=2, retries=0)
    reasons = cells(run(root))
    assert len(one.calls) < 12
    assert sum("not asked again: it answered with status 503" in r for r in reasons) > 25


def test_a_slow_server_is_left_in_time(root, server):
    released = threading.Event()

    def slow(question):
        released.wait(5)
        return gloom(question)

    configure(root, server(slow).url, timeout=0.2, retries=0)
    started = time.monotonic()
    reasons = cells(run(root))
    released.set()
    assert set(reasons) == {"the endpoint `grader` gave no reply: it did not answer within 0.2 s"}
    assert time.monotonic() - started < 60


RUBBISH = [
    b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [3]}', b'{"choices": [{"logprobs": 3}]}',
    b'{"choices": [{"logprobs": {"content": [{"token": "1"}]}}]}', b"[" * 100_000, b"\xff\xfe",
    b'{"choices": [{"logprobs": {"content": [{"token": "1", "top_logprobs": [{"token": "1", "logprob": "x"}]}]}}]}',
    b'{"choices": [{"logprobs": {"content": [{"token": "1", "top_logprobs": [{"token": "1", "logprob": 4}]}]}}]}',
    b'{"choices": [{"logprobs": {"content": [{"token": "1", "top_logprobs": []}]}}]}',
]  # fmt: skip


@pytest.mark.parametrize("answer", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_no_reply(answer):
    with pytest.raises(NoReply) as caught:
        read(answer)
    assert "completion" in caught.value.reason or "log-probabilities" in caught.value.reason


def test_rubbish_and_redirects_end_in_cells(root, server):
    elsewhere = server(gloom)
    one = server(lambda q: (302, {"Location": elsewhere.url}, b"") if "grim" in q else b"<html>hello")
    configure(root, one.url, retries=0)
    reasons = cells(run(root))
    assert reasons[0] == "the endpoint `grader` gave no reply: it answered with status 302"
    assert reasons[1] == "the endpoint `grader` gave no reply: its answer is not that of a chat completion"
    assert elsewhere.calls == []  # a redirect does not carry the key along


def test_a_recording_is_the_same_run_without_a_server(root, server):
    one = server(gloom)
    configure(root, one.url)
    live = run(root, record=root / "replies.jsonl")
    assert len((root / "replies.jsonl").read_text().splitlines()) == 5
    (root / "config.toml").unlink()
    (root / "spec.probe").write_text(SPEC.replace('endpoint("grader")', 'endpoint("grader", recorded="replies.jsonl")'))
    replayed = probelang.run(root / "spec.probe", out=None, offline=True)
    assert cells(replayed) == cells(live) and len(one.calls) == 5
    told = replayed.run.manifest["endpoints"]["grader"]
    assert (told["model"], told["recorded"], told["asked"]) == ("judge-1", 5, 0)
    # a question that is not in it is open, and says why
    lines = (root / "replies.jsonl").read_text().splitlines()
    (root / "replies.jsonl").write_text("\n".join(lines[1:]) + "\n")
    found = run(root)
    assert "the endpoint `grader` was not asked: it is not set up: config.toml has no [endpoint.grader]" in cells(found)
    (told,) = [w for w in found.run.warnings if isinstance(w, dict) and w["code"] == "no-reply"]
    assert str(root / "config.toml") in told["help"] and "[endpoint.grader]" in told["help"]
    (root / "replies.jsonl").write_text('{"model": "m", "question": "q", "reply": 3}\n')
    with pytest.raises(ProbeError, match="line 1"):
        probelang.run(root / "spec.probe", out=None)


def test_integers_that_a_tokenizer_cuts_are_not_scored_by_their_first_digit(root, server):
    def cut(question):
        return completion({"7": 0.9, "8": 0.1}, ["7", "5", "."]) if "merry" in question else completion({"7": 1.0})

    configure(root, server(cut).url)
    (root / "spec.probe").write_text(SPEC.replace("0..10", "0..100"))
    assert all("cuts integers, 75 for one" in r for r in cells(run(root)))
    (root / "spec.probe").write_text(SPEC.replace("0..10", "0..9"))
    found = cells(run(root))
    assert found[0] == 7 and found[1] == "the judge wrote 75, of which one call tells no probability"


def test_scores_of_a_reply():
    first = {" 7": math.log(0.5), "7": math.log(0.25), "11": math.log(0.1), "07": -3.0, "x": -2.0}
    reply = Reply(tuple(first.items()), ("7",))
    assert expectation(reply, tuple(range(11))) == pytest.approx((7, 0.75))
    assert expectation(Reply((("x", 0.0),), ("x",)), (0, 1))[1] == 0


def test_what_depends_on_open_questions_is_computed_again_when_they_are_answered(root, server):
    """An endpoint's values are part of the recipe of what follows from them."""
    (root / "spec.probe").write_text(
        """probe 1
model grader = endpoint("grader")
model base = zoo("base")
dataset texts = file("texts.jsonl")
prompts p from texts { text: "The river is {text}" }
let gloom = judge(texts.text, rubric="Rate the gloom from 0 to 10.", scale="0..10") on grader
statistic pushed = entropy(p) under steer(d, scale=mean(gloom)) on base
direction d = random_unit(like=mean(resid_post[2] at p.last)) on base
"""
    )
    first = server(lambda q: gloom(q) if "grim" in q else (500, {}, b""))
    configure(root, first.url, retries=0)
    before = run(root).items["pushed"]["value"].to_numpy()
    first.answer = gloom
    after = run(root).items["pushed"]["value"].to_numpy()
    anew = probelang.run(root / "spec.probe", out=None).items["pushed"]["value"].to_numpy()
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, anew, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://x"}, "no http"), ({"url": ""}, "needs `url`"), ({"timeout": 0}, "too small"),
        ({"timeout": "soon"}, "no number"), ({"retries": -1}, "too small"), ({"speed": 3}, "no setting 'speed'"),
        ({"key_env": "NOT_SET_ANYWHERE"}, "which is not set"), ({"url": "http://example.org/v1"}, "unencrypted"),
        ({"url": "http://[::1"}, "no address"), ({"url": "https://a:b/v1"}, "no address"),
        ({"key_env": "SPLIT_KEY"}, "no key has"),
    ],
)  # fmt: skip
def test_wrong_settings_are_said_and_the_key_is_not(root, monkeypatch, settings, said):
    monkeypatch.setenv("SPLIT_KEY", "sk-secret\nX: y")
    configure(root, **{"url": "https://example.org/v1", **settings})
    with pytest.raises(ProbeError, match=said) as caught:
        endpoint("grader")
    assert "sk-secret" not in str(caught.value)
    (root / "config.toml").write_text("[endpoint.grader\n")
    with pytest.raises(ProbeError, match="cannot be read"):
        endpoint("grader")


def test_an_endpoint_can_judge_and_nothing_else(root):
    configure(root, "https://example.org/v1")
    assert "sk-secret" not in repr(endpoint("grader"))
    checked = probelang.check('probe 1\nmodel g = endpoint("g")\nprompts p { text: "a" }\nstatistic s = entropy(p)\n')
    assert [d.code for d in checked.errors] == ["endpoint-is-closed"]


def test_a_key_from_a_file_may_end_with_a_line_break(root, server, monkeypatch):
    monkeypatch.setenv("GRADER_KEY", "sk-secret\n")
    one = server(gloom)
    configure(root, one.url)
    assert cells(run(root))[:2] == pytest.approx(WANTED)
    assert one.headers[0]["Authorization"] == "Bearer sk-secret"


def test_a_host_that_cannot_be_is_a_reason(root):
    configure(root, "https://" + "a" * 300 + ".example/v1", retries=0)
    assert all("the endpoint `grader` gave no reply" in r for r in cells(run(root)))


def test_a_plan_counts_the_calls(root):
    assert "endpoint(grader): at most 5 calls" in probelang.plan(root / "spec.probe").text()
