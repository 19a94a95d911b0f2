"""The file of a threshold set: exact round trips, colleagues' spellings, and one line for everything else."""

import json
import math
import struct
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxrcore import __version__
from cxrcore.errors import DataError, ThresholdFileError
from cxrcore.findings import NIH_FINDINGS
from cxrcore.store import threshold_file
from cxrcore.store.threshold_file import MAX_SIZE, ThresholdFile, parse_threshold_file, threshold_file_text

FULL = ThresholdFile(
    np.linspace(0, 1, len(NIH_FINDINGS)), NIH_FINDINGS, name="recall ≥ 0.9", objective="recall",
    parameters={"recall": 0.9, "not_fitted": ["Hernia"], "unstable": []}, run_id="20170927-120000-abc123",
    run_name="Grüße\nzwei", architecture="resnet18", checkpoint="model_best.pth", checkpoint_sha256="ab" * 32,
    dataset_id="d1", split_scheme="patient", split_fingerprint="f1", fitted_on="val", prediction_id="p1",
    author="A. Reader", note="for \"night\" shifts", created_at="2017-09-27T12:00:00+02:00",
)
BARE = dict.fromkeys(NIH_FINDINGS, 0.2)
OWN = {"format": "cxr-thresholds", "format_version": 1, "thresholds": BARE}


def same(one: ThresholdFile, other: ThresholdFile) -> bool:
    """Equal in every field, and the doubles bit for bit."""
    plain = [replace(file, thresholds=file.thresholds.tobytes()) for file in (one, other)]
    return plain[0] == plain[1] and one.thresholds.dtype == other.thresholds.dtype == np.float64


# -- what is written comes back


def test_every_field_comes_back():
    assert same(parse_threshold_file(threshold_file_text(FULL), NIH_FINDINGS), FULL)
    assert same(parse_threshold_file(threshold_file_text(FULL).encode(), NIH_FINDINGS), FULL)
    assert same(parse_threshold_file(b"\xef\xbb\xbf" + threshold_file_text(FULL).encode(), NIH_FINDINGS), FULL)
    assert same(parse_threshold_file("\ufeff" + threshold_file_text(FULL), NIH_FINDINGS), FULL)


def test_thresholds_alone_are_a_file():
    bare = ThresholdFile(np.full(len(NIH_FINDINGS), 0.3), NIH_FINDINGS)
    assert same(parse_threshold_file(threshold_file_text(bare), NIH_FINDINGS), bare)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=len(NIH_FINDINGS), max_size=len(NIH_FINDINGS)))
@example([0.0, 1.0, -0.0, 5e-324, 2.2250738585072014e-308, 1e-300, 0.1 + 0.2, 1 / 3, float(np.float32(0.1)),
          math.nextafter(0, 1), math.nextafter(1, 0), math.nextafter(0.5, 1), 0.05, 0.40])
def test_doubles_come_back_bit_for_bit(values):
    text = threshold_file_text(ThresholdFile(np.array(values), NIH_FINDINGS))
    assert parse_threshold_file(text, NIH_FINDINGS).thresholds.tobytes() == struct.pack(
        f"{len(NIH_FINDINGS)}d", *values
    )


def test_the_text_is_readable_and_says_what_it_is():
    document = json.loads(threshold_file_text(FULL))
    assert list(document)[:3] == ["format", "format_version", "workbench_version"]
    assert document["workbench_version"] == __version__
    assert list(document["thresholds"]) == list(NIH_FINDINGS)
    assert '\n    "Hernia": 1.0\n' in threshold_file_text(FULL)
    assert set(document) == {"format", "format_version", "workbench_version", *asdict(FULL)} - {"findings"}


@pytest.mark.parametrize("damage", [
    {"thresholds": np.full(len(NIH_FINDINGS), np.nan)}, {"thresholds": np.full(len(NIH_FINDINGS), 1.01)},
    {"thresholds": np.full(13, 0.5)}, {"thresholds": np.full((len(NIH_FINDINGS), 1), 0.5)}, {"created_at": "yesterday"},
    {"parameters": {"recall": math.nan}}, {"note": "x" * MAX_SIZE},
], ids=str)
def test_nothing_is_written_that_would_not_be_read(damage):
    with pytest.raises(ThresholdFileError):
        threshold_file_text(replace(FULL, **damage))


# -- what colleagues send


def test_any_order_and_spelling_of_findings():
    values = dict(zip(NIH_FINDINGS, np.linspace(0.1, 0.9, len(NIH_FINDINGS)), strict=True))
    turned = dict(reversed(values.items()))
    turned["pleural thickening"] = turned.pop("Pleural_Thickening")
    turned["Infiltrate"] = turned.pop("Infiltration")
    turned["HERNIA"] = turned.pop("Hernia")
    for document in (turned, OWN | {"thresholds": turned}):
        assert parse_threshold_file(json.dumps(document), NIH_FINDINGS).thresholds.tolist() == list(values.values())


def test_a_bare_mapping_has_no_provenance():
    values = BARE | {"Mass": 0, "Hernia": 1}  # whole numbers are numbers
    assert same(
        parse_threshold_file(json.dumps(values), NIH_FINDINGS),
        ThresholdFile(np.array(list(values.values()), np.float64), NIH_FINDINGS),
    )


def test_a_title_stands_on_one_line():
    assert replace(FULL, name=" night\n shift\u2028\x1b[31m").title == "night shift [31m"
    assert replace(FULL, name="\n").title == "unnamed" and FULL.title == "recall ≥ 0.9"


def test_fields_of_later_times_and_empty_ones_are_no_hindrance():
    file = parse_threshold_file(
        json.dumps(OWN | {"colour": [1], "name": None, "author": "", "parameters": None}), NIH_FINDINGS
    )
    assert same(file, ThresholdFile(np.full(len(NIH_FINDINGS), 0.2), NIH_FINDINGS))


# -- what cannot be used


def without(*names: str) -> dict[str, float]:
    return {finding: value for finding, value in BARE.items() if finding not in names}


def text_with(value: str) -> str:
    """A bare mapping with this piece of JSON as the threshold of Mass."""
    return json.dumps(BARE | {"Mass": "HERE"}).replace('"HERE"', value)


REFUSED = {
    "empty": ("", ["empty"]),
    "blank": ("\ufeff \n", ["empty"]),
    "cut off": ('{\n"Mass": 0.2,\n"Nodule"', ["broken JSON", "line 3"]),
    "no JSON": ("Mass,0.2", ["broken JSON", "line 1, column 1"]),
    "a list": ("[0.1, 0.2]", ["not a threshold file", "list"]),
    "a number": ("3", ["not a threshold file", "3"]),
    "an empty object": ("{}", ["not a threshold file", "cxr-thresholds"]),
    "other things": ('{"learning_rate": 0.1}', ["not a threshold file", "'learning_rate'"]),
    "another format": ('{"format": "coco", "Mass": 0.2}', ["not a threshold file", "'coco'"]),
    "a newer format": (OWN | {"format_version": 2}, ["newer version", "format 2", "update"]),
    "no version": ({"format": "cxr-thresholds", "thresholds": BARE}, ["format_version", "null"]),
    "version true": (OWN | {"format_version": True}, ["format_version", "true"]),
    "version 0": (OWN | {"format_version": 0}, ["format_version", "0"]),
    "no thresholds": ({"format": "cxr-thresholds", "format_version": 1}, ["thresholds are missing"]),
    "unknown finding": (BARE | {"Gout": 0.2}, ["unknown finding 'Gout'", "14"]),
    "another's findings": (OWN | {"thresholds": {"Covid": 0.2}}, ["unknown finding 'Covid'"]),
    "one missing": (without("Mass"), ["1 of 14", "Mass"]),
    "many missing": ({"Mass": 0.1}, ["13 of 14", "Atelectasis", "Hernia"]),
    "a key twice": (json.dumps(BARE)[:-1] + ', "Mass": 0.3}', ["'Mass'", "twice"]),
    "a finding twice": (BARE | {"pleural thickening": 0.2}, ["Pleural_Thickening", "twice", "'pleural thickening'"]),
    "without names": (OWN | {"thresholds": [0.2] * 13}, ["list of 13", "names", '{"Atelectasis": 0.5, ...}']),
    "thresholds are text": (OWN | {"thresholds": "0.2"}, ["'0.2'", '{"Atelectasis": 0.5, ...}']),
    "a text": (text_with('"0.2"'), ["Mass", "not a number", "'0.2'"]),
    "a boolean": (text_with("true"), ["Mass", "not a number", "true"]),
    "null": (text_with("null"), ["Mass", "not a number", "null"]),
    "an object": (text_with('{"value": 0.2}'), ["Mass", "not a number", "object"]),
    "NaN": (text_with("NaN"), ["Mass", "NaN", "0 to 1"]),
    "infinity": (text_with("-Infinity"), ["Mass", "-Infinity"]),
    "overflow": (text_with("1e999"), ["Mass", "Infinity"]),
    "over 1": (text_with("1.0000000000000002"), ["Mass", "1.0000000000000002"]),
    "below 0": (text_with("-5e-324"), ["Mass", "-5e-324"]),
    "per cent": (text_with("20"), ["Mass", "20", "0 to 1"]),
    "a huge whole number": (text_with("9" * 400), ["Mass", "999..."]),
    "thousands of digits": (text_with("9" * 5000), ["digits"]),
    "Latin-1": ('{"name": "Grüße"}'.encode("latin-1"), ["not UTF-8", "byte 12"]),
    "UTF-16": (json.dumps(BARE).encode("utf-16"), ["not UTF-8"]),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), ["not UTF-8"]),
    "too large": (json.dumps(OWN | {"note": "x" * MAX_SIZE}), ["1,000 kB"]),
    "too large, bytes": (b" " * (MAX_SIZE + 1), ["1,000 kB"]),
    "too deep": ("[" * 200_000, ["nested"]),
    "half a character": ('{"Mass": 0.2, "\\ud800": 0.1}', ["Unicode"]),
    "name is a number": (OWN | {"name": 3}, ["name must be a text", "3"]),
    "run is a list": (OWN | {"run_id": ["r"]}, ["run_id must be a text", "list"]),
    "a run of two lines": (OWN | {"run_id": "r1\nr2"}, ["run_id", "one line", "'r1\\nr2'"]),
    "parameters are a list": (OWN | {"parameters": []}, ["parameters", "list"]),
    "parameters are false": (OWN | {"parameters": False}, ["parameters", "false"]),
    "parameters with NaN": (OWN | {"parameters": {"a": [math.nan]}}, ["parameters", "finite"]),
    "no time": (OWN | {"created_at": "yesterday"}, ["created_at", "'yesterday'"]),
    "no time zone": (OWN | {"created_at": "2017-09-27T12:00:00"}, ["created_at", "+00:00"]),
    "a long name": (BARE | {"x" * 5000: 0.2}, ["unknown finding", "xxx..."]),
    "a name of two lines": (BARE | {"a\nb\x85c\u2028d": 0.2}, ["unknown finding", "\\n"]),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_short_line(content, said):
    with pytest.raises(ThresholdFileError) as refused:
        parse_threshold_file(json.dumps(content) if isinstance(content, dict) else content, NIH_FINDINGS)
    text = str(refused.value)
    assert isinstance(refused.value, DataError)
    assert all(part in text for part in said), text
    assert len(text.splitlines()) == 1 and len(text) < 300, text


def usable_or_refused(content: str | bytes) -> None:
    """Either a set that can be written and shown, or one line."""
    try:
        file = parse_threshold_file(content, NIH_FINDINGS)
    except ThresholdFileError as refused:
        assert len(str(refused).splitlines()) == 1
        str(refused).encode()
        return
    assert file.thresholds.shape == (len(NIH_FINDINGS),) and ((file.thresholds >= 0) & (file.thresholds <= 1)).all()
    assert same(parse_threshold_file(threshold_file_text(file), NIH_FINDINGS), file)


SCALARS = (st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
           | st.text("\ud800\x00\n", max_size=3))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=5) | st.sampled_from(NIH_FINDINGS), inner, max_size=3),
                      max_leaves=8)
KEYS = st.sampled_from([*asdict(FULL), "format", "format_version", "Mass", "pleural", "Gout", ""])


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary())
def test_any_text_is_a_set_or_refused(content):
    usable_or_refused(content)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from([{}, BARE, OWN, json.loads(threshold_file_text(FULL))])
)
def test_any_json_is_a_set_or_refused(changed, begun_with):
    usable_or_refused(json.dumps(begun_with | changed))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(threshold_file_text(FULL).encode()) - 1), st.integers(0, 20), st.binary(max_size=3))
def test_a_damaged_file_is_a_set_or_refused(start, length, put):
    content = threshold_file_text(FULL).encode()
    usable_or_refused(content[:start] + put + content[start + length:])


# -- on disk


def test_a_file_on_disk_without_a_name_is_called_after_itself(tmp_path):
    path = tmp_path / "night shift.json"
    path.write_text(json.dumps(BARE), encoding="utf-8")
    assert threshold_file.read_threshold_file(path, NIH_FINDINGS).name == "night shift"
    path.write_text(threshold_file_text(FULL), encoding="utf-8")
    assert same(threshold_file.read_threshold_file(str(path), NIH_FINDINGS), FULL)


@pytest.mark.parametrize(("make", "said"), [
    (lambda path: None, "No such file"),
    (lambda path: path.mkdir(), "directory"),
    (lambda path: path.write_text("{"), "broken JSON"),
    (lambda path: path.write_bytes(b" " * (3 * MAX_SIZE)), "1,000 kB"),
])
def test_a_refused_file_is_named(tmp_path, make, said):
    path = tmp_path / "set.json"
    make(path)
    with pytest.raises(ThresholdFileError) as refused:
        threshold_file.read_threshold_file(path, NIH_FINDINGS)
    assert str(path) in str(refused.value) and said in str(refused.value)
