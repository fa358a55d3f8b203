"""A tokenizer read from its files: text to ids with character offsets, and what it adds by itself.

Knows the vocabulary, the special tokens and the start-of-text rule. Does not know prompts or chats.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ProbeError
from .tokenizer_files import AddedTokenSpec, TokenizerFiles, read_tokenizer_files

if TYPE_CHECKING:
    import tokenizers

SHARED = 4096  # places that end before this character are shared by all texts


@dataclass(frozen=True)
class Encoded:
    """Ids and, for each, the characters it stands for."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A tokenizer of a model; two are equal when their fingerprints are."""

    backend: "tokenizers.Tokenizer"
    files: TokenizerFiles

    @classmethod
    def load(cls, directory: str | Path) -> "Tokenizer":
        """Load from a directory in hub layout; raises ProbeError when its files are missing or broken."""
        import tokenizers

        files = read_tokenizer_files(Path(directory))
        try:
            backend = tokenizers.Tokenizer.from_str(files.tokenizer_json)
        except Exception as error:  # the library raises bare Exception for every malformed file
            raise ProbeError("tokenizer-broken", f"tokenizer.json cannot be read: {error}") from error
        backend.no_padding()
        backend.no_truncation()
        _add_missing(backend, files)
        return cls(backend, files)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that decides ids: vocabulary, special tokens and chat template."""
        return self.files.fingerprint

    @cached_property
    def vocabulary_fingerprint(self) -> str:
        """A hash of the token-to-id table alone, to compare the vocabularies of two models."""
        table = sorted(self.backend.get_vocab(with_added_tokens=True).items(), key=lambda item: (item[1], item[0]))
        return hashlib.blake2b(repr(table).encode(), digest_size=16).hexdigest()

    @property
    def vocab_size(self) -> int:
        """The number of tokens, added ones included."""
        return self.backend.get_vocab_size(with_added_tokens=True)

    @property
    def named_tokens(self) -> dict[str, str]:
        """The named special tokens, `bos_token` and the like, by name."""
        return self.files.named_tokens

    @property
    def chat_template(self) -> str | None:
        return self.files.chat_template

    @property
    def has_chat_template(self) -> bool:
        return self.files.chat_template is not None

    @cached_property
    def bos_id(self) -> int | None:
        return self._named_id("bos_token")

    @cached_property
    def eos_id(self) -> int | None:
        return self._named_id("eos_token")

    @cached_property
    def unk_id(self) -> int | None:
        return self._named_id("unk_token")

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """The ids of all tokens marked special."""
        added = self.backend.get_added_tokens_decoder()
        marked = {index for index, token in added.items() if token.special}
        named = (self.backend.token_to_id(token) for token in self.named_tokens.values())
        return frozenset(marked | {index for index in named if index is not None})

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """The special ids that never stand for a word: all but the unknown token, unless it has another role too."""
        unknown = {self.unk_id} - {self.bos_id, self.eos_id, self.start_id}
        return self.special_ids - unknown

    @cached_property
    def added_contents(self) -> tuple[str, ...]:
        """The texts of the added tokens, longest first."""
        added = self.backend.get_added_tokens_decoder().values()
        return tuple(sorted((token.content for token in added), key=len, reverse=True))

    @cached_property
    def _shared(self) -> dict:
        """One object for each id and each early place, whichever texts have them: many prompts take little room."""
        return {}

    @cached_property
    def prefix_ids(self) -> tuple[int, ...]:
        """The ids that the tokenizer itself puts before any text; usually the start token or nothing."""
        encoding = self.backend.encode("a", add_special_tokens=True)
        count = 0
        while count < len(encoding) and encoding.special_tokens_mask[count]:
            count += 1
        return tuple(encoding.ids[:count])

    @cached_property
    def adds_suffix(self) -> bool:
        """Whether the tokenizer itself puts special tokens after a text."""
        encoding = self.backend.encode("a", add_special_tokens=True)
        return len(encoding) > len(self.prefix_ids) and bool(encoding.special_tokens_mask[-1])

    @property
    def start_id(self) -> int | None:
        """The id that marks the start of a text: the named one, else the one that is added."""
        if self.bos_id is not None:
            return self.bos_id
        return self.prefix_ids[0] if self.prefix_ids else None

    def encode(self, text: str) -> Encoded:
        """Tokenise a text as a whole, without adding anything; offsets count characters of `text`.

        White space that no token covers belongs to the token after it, so that offsets read alike for all tokenizers.
        """
        encoding = self.backend.encode(text, add_special_tokens=False)
        offsets, shared = [], self._shared
        covered = 0
        for start, end in encoding.offsets:
            if covered < start and text[covered:start].isspace():
                start = covered
            place = (start, end)
            offsets.append(shared.setdefault(place, place) if end < SHARED else place)
            covered = max(covered, end)
        return Encoded(tuple(shared.setdefault(index, index) for index in encoding.ids), tuple(offsets))

    def decode(self, ids: list[int] | tuple[int, ...], *, skip_special: bool = False) -> str:
        """Turn ids back into text."""
        return self.backend.decode(list(ids), skip_special_tokens=skip_special)

    def token(self, index: int) -> str:
        """Give the vocabulary's own spelling of an id; raises ProbeError when there is none."""
        token = self.backend.id_to_token(index)
        if token is None:
            raise ProbeError("unknown-token-id", f"No token has the id {index}; the vocabulary has {self.vocab_size}.")
        return token

    def _named_id(self, name: str) -> int | None:
        token = self.named_tokens.get(name)
        return None if token is None else self.backend.token_to_id(token)


def _add_missing(backend: "tokenizers.Tokenizer", files: TokenizerFiles) -> None:
    import tokenizers

    def added(spec: AddedTokenSpec) -> tokenizers.AddedToken:
        flags = {"lstrip": spec.lstrip, "rstrip": spec.rstrip, "single_word": spec.single_word}
        return tokenizers.AddedToken(spec.content, special=spec.special, normalized=spec.normalized, **flags)

    present = {token.content for token in backend.get_added_tokens_decoder().values()}
    for spec in files.added_tokens:
        if spec.content not in present:
            (backend.add_special_tokens if spec.special else backend.add_tokens)([added(spec)])
            present.add(spec.content)
