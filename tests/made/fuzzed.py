"""Mutated inputs by the thousand: each read, or refused with one of the product's errors, in bounded time and memory.

An input follows from its kind's name and a seed, so what is found once is found again: `again("links", 17)`.
"""

import copy
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cxrcore.errors import LONGEST, WorkbenchError

SECONDS = 10.0  # of the processor, for one input; what another process works has bounds of its own
WALL = 300.0  # by the clock, on a machine that others keep busy
GROWTH = 400_000_000  # bytes that the process may grow by at one input
CHILD = 1_500_000_000  # bytes that a process which it lends work to may have
Read = Callable[[], object]
Begun = Callable[[random.Random], Read]


@dataclass(frozen=True)
class Kind:
    """Inputs of one kind.

    Attributes:
        short, long: how many inputs the two forms take.
        begin: prepares what all inputs share in an empty folder; what it returns makes an input of a random source, and
            returns what reads it.
        least: share of the inputs that has to be read, and that has to be refused.
    """

    short: int
    long: int
    begin: Callable[[Path], Begun]
    least: tuple[float, float] = (0.02, 0.02)


@dataclass
class Found:
    """What came of some inputs of a kind; the slowest by the clock, and bytes."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    grown: int = 0
    child: int = 0
    wrong: list[str] = field(default_factory=list)

    def in_words(self, name: str) -> str:
        return (f"{name:<16} {self.read + self.refused + len(self.wrong):>6} inputs: {self.read:>5} read, "
                f"{self.refused:>5} refused, {len(self.wrong)} wrong; at most {self.slowest:5.2f} s, "
                f"grown by {self.grown / 1e6:4.0f} MB, another process {self.child / 1e6:4.0f} MB")


def fuzzed(name: str, kind: Kind, seeds: Iterable[int], folder: Path) -> Found:
    """Read these inputs; `wrong` names whatever did not come as it should, by seed."""
    found = Found()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make = kind.begin(folder)
        for seed in seeds:
            _one(name, seed, make, found)
    return found


def again(name: str, kind: Kind, seed: int) -> object:
    """Read one input once more, with whatever error it raises."""
    with tempfile.TemporaryDirectory() as folder:
        return kind.begin(Path(folder))(random.Random(f"{name} {seed}"))()


def _one(name: str, seed: int, make: Begun, found: Found) -> None:
    read = make(random.Random(f"{name} {seed}"))
    held, begun, worked = _most_held(), time.perf_counter(), time.process_time()
    try:
        read()
        found.read += 1
    except WorkbenchError as error:
        found.refused += 1
        if "\n" in str(error) or not 5 < len(str(error)) <= LONGEST:
            found.wrong.append(f"{name} {seed}: no line for a person: {str(error)!a:.200}")
    except Exception as error:
        found.wrong.append(f"{name} {seed}: {type(error).__name__}: {str(error)!a:.200} at {_place(error)}")
    seconds, grown, child = time.perf_counter() - begun, _most_held() - held, _lent()
    found.slowest, found.grown, found.child = (
        max(found.slowest, seconds), max(found.grown, grown), max(found.child, child))
    worked = time.process_time() - worked
    if worked > SECONDS or seconds > WALL or grown > GROWTH or child > CHILD:
        found.wrong.append(f"{name} {seed}: took {seconds:.1f} s ({worked:.1f} of work), {grown / 1e6:.0f} MB here, "
                           f"{child / 1e6:.0f} MB in another process")


def _place(error: Exception) -> str:
    """The last line of the product that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "cxrcore" in Path(frame.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"


def _most_held() -> int:
    """The most bytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _lent() -> int:
    """The most bytes that a child of this process has now."""
    most = 0
    for child in psutil.Process().children():
        try:
            most = max(most, child.memory_info().rss)
        except psutil.Error:  # it has ended
            continue
    return most


# -- mutations

WORDS = ("", " ", "nan", "NaN", "inf", "-inf", "Infinity", "1e999", "1e-400", "-0.0", "-1", "2", "0,5", "1.234,5",
         "9" * 400, "0x1F", "1_000", "½", "٣", "x", "'=1+1", "=1+1", '"', "\\", "\0", "\n", "\r", "\t", "\ufeff",
         "None", "null", "True", "..", "../../x", "/etc/passwd", "C:\\films\\", "~", "\u202e", "\ud800", "é", "e\u0301",
         "İ", "ß", "[x](y)", "<b>x</b>", "%s%n", "{}", "[]", "a" * 3_000, "Mass", "mass", "No Finding", "Effusion|Mass",
         "a.png", "00000001_000.png", "train", "Male", "-1.0", "1.0")
VALUES = (None, True, False, 0, -1, 1, 5, 1.5, -0.0, 2**31, 2**63, 10**400, 1e308, float("nan"), float("inf"), [], {},
          [[]], [None], {"a": 1}, {"format": "x"}, *WORDS)
_TELLING = (0, 1, 2, 7, 8, 10, 13, 15, 16, 32, 34, 44, 127, 128, 255)


def changed_bytes(rng: random.Random, data: bytes, most: int = 16, early: int = 0) -> bytes:
    """Bits turned, numbers put in, pieces taken out, doubled, filled or swapped, the end cut off.

    Args:
        early: where most changes go; anywhere for 0.
    """
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, most))):
        if not out:
            break
        near = min(len(out), early or len(out)) if rng.random() < 0.7 else len(out)
        at, n = rng.randrange(near), rng.choice((1, 2, 4, 8, 60))
        way = rng.randrange(8)
        if way < 2:
            out[at] ^= 1 << rng.randrange(8)
        elif way == 2:
            out[at] = rng.choice((*_TELLING, rng.randrange(256)))
        elif way == 3:
            number = rng.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, rng.getrandbits(32)))
            out[at:at + 8] = number.to_bytes(8, rng.choice(("little", "big")))[:n]
        elif way == 4:
            del out[at:at + n]
        elif way == 5:
            out[at:at] = out[at:at + n]
        elif way == 6:
            out[at:at + n] = bytes([rng.choice(_TELLING)]) * n
        else:
            other = rng.randrange(len(out))
            out[at:at + n], out[other:other + n] = out[other:other + n], out[at:at + n]
    return bytes(out[:rng.randrange(len(out) + 1)] if rng.random() < 0.15 else out)


def changed_text(rng: random.Random, text: str, words: tuple[str, ...] = WORDS) -> str:
    """A line taken out, doubled, swapped or cut; a word of it replaced; something odd put in."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not lines:
            break
        at, way = rng.randrange(len(lines)), rng.randrange(7)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif way == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3:
            lines[at] = lines[at][:rng.randrange(len(lines[at]) + 1)]
        else:
            lines[at] = _changed_line(rng, lines[at], words)
    return "\n".join(lines)


def _changed_line(rng: random.Random, line: str, words: tuple[str, ...]) -> str:
    word = rng.choice(words)
    separator = next((one for one in (",", "=", ":", "\t", " ") if one in line), "")
    if separator and rng.random() < 0.7:
        parts = line.split(separator)
        parts[rng.randrange(len(parts))] = rng.choice((word, f'"{word}"', word + separator + word))
        return separator.join(parts)
    at = rng.randrange(len(line) + 1)
    return line[:at] + word + line[at + rng.choice((0, 1, len(word))):]


def encoded(rng: random.Random, text: str) -> bytes:
    """A text as files have it: mostly UTF-8, lone surrogates and all."""
    coding = rng.choice(("utf-8",) * 8 + ("utf-8-sig", "utf-16", "latin-1", "cp1252"))
    return text.encode(coding, "surrogatepass" if coding.startswith("utf") else "replace")


def changed_tree(rng: random.Random, tree: object, values: tuple = VALUES) -> object:
    """A JSON document with values replaced, taken out, doubled, swapped or nested; changed in place where it can be."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return copy.deepcopy(rng.choice(values))
        holder, key = rng.choice(places)
        way = rng.randrange(7)
        if way < 3:
            holder[key] = copy.deepcopy(rng.choice(values))
        elif way == 3:
            del holder[key]
        elif way == 4:
            other, at = rng.choice(places)
            there = at in other if isinstance(other, dict) else at < len(other)
            if there and not isinstance(holder[key], dict | list) and not isinstance(other[at], dict | list):
                holder[key], other[at] = other[at], holder[key]
        elif way == 5 and isinstance(holder, dict):
            holder[str(rng.choice(values))[:4_000]] = holder[key]
        else:
            deep: object = holder[key]
            for _ in range(rng.choice((1, 3, 60, 400))):
                deep = [deep] if rng.random() < 0.5 else {"a": deep}
            holder[key] = deep
    return tree


def _places(tree: object, depth: int = 0) -> Iterable[tuple]:
    if depth > 20:
        return
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in list(pairs):
        yield tree, key
        yield from _places(inner, depth + 1)
