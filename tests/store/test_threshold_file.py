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
from cxrcore.measures.thresholds.positions import UNREACHED
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


def text_with(value: str) -> str:
    """A bare mapping with this piece of JSON as the threshold of Mass."""
    return json.dumps(BARE | {"Mass": "HERE"}).replace('"HERE"', value)


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
    own = {"format", "format_version", "workbench_version", *asdict(FULL)}
    assert set(document) == own - {"findings", "left_out", "missing"}


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


NAMES, THIRD = list(NIH_FINDINGS), [0.3] * len(NIH_FINDINGS)
ROWS = [f"{name},0.3" for name in NAMES]
FORMS = {
    "nested": {"Mass": {"threshold": 0.3, "f1": 0.2}} | {name: {"threshold": 0.3} for name in NAMES[5:]},
    "under a key": {"macro_f1": 0.31, "thresholds": dict.fromkeys(NAMES, 0.3)},
    "deeper": {"results": {"best": {"thresholds": dict.fromkeys(NAMES, 0.3), "auroc": dict.fromkeys(NAMES, 0.8)}}},
    "records": [{"label": name, "best_threshold": 0.3, "f1": 0.1} for name in NAMES],
    "pairs": [[name, 0.3] for name in NAMES],
    "lists beside each other": {"classes": NAMES, "thresholds": THIRD},
    "texts": dict.fromkeys(NAMES, "0,3"),
    "CSV": "\n".join(["finding,threshold", *ROWS]),
    "CSV without a head": "\n".join(ROWS),
    "CSV of Excel in Europe": "\r\n".join(["\ufeffBefund;Wert", *ROWS]).replace(",", ";").replace(".", ",").encode(),
    "CSV in UTF-16": "\n".join(["finding\tthreshold", *ROWS]).replace(",", "\t").encode("utf-16"),
    "CSV with more columns": "\n".join(["finding,auroc,threshold", *(row.replace(",", ",0.8,") for row in ROWS)]),
    "CSV with an index": "\n".join([",class,threshold", *(f"{n},{row}" for n, row in enumerate(ROWS))]),
    "CSV of one row": f"{','.join(NAMES)}\n{','.join(map(str, THIRD))}\n",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_other_tools_forms_are_read(content):
    file = parse_threshold_file(content if isinstance(content, str | bytes) else json.dumps(content), NIH_FINDINGS)
    assert set(file.thresholds.tolist()) == {0.3} and not file.left_out
    assert file.findings == tuple(name for name in NIH_FINDINGS if name not in file.missing)
    assert len(file.missing) == (4 if content is FORMS["nested"] else 0)


def test_what_is_left_out_missing_or_never_is_said():
    file = parse_threshold_file(text_with("Infinity").replace('"Hernia": 0.2', '"Hernia": null, "No Finding": 0.5'),
                                NIH_FINDINGS)
    assert (file.left_out, file.missing) == (("No Finding",), ("Hernia",))
    assert dict(zip(file.findings, file.thresholds, strict=True))["Mass"] == UNREACHED > 1
    assert file.said == ["left out, as they are none of its findings: No Finding", "without a threshold: Hernia",
                         "never, as the threshold is above 1: Mass"]
    with pytest.raises(ThresholdFileError, match="1 of 14 findings are missing: Hernia"):
        threshold_file.require_whole(file)


@pytest.mark.parametrize("value", ["Infinity", "1e999", "1.0000000000000002", "20", "9" * 400, '"inf"', '"never"',
                                   '"1,5"'])
def test_above_1_means_never_and_comes_back(value):
    file = parse_threshold_file(text_with(value), NIH_FINDINGS)
    assert file.thresholds[NIH_FINDINGS.index("Mass")] == UNREACHED
    assert same(parse_threshold_file(threshold_file_text(file), NIH_FINDINGS), file)


@pytest.mark.parametrize(("case", "left_out"), [("35-thresholds-no-finding/02_with_no_finding.json", ("No Finding",)),
                                                ("37-thresholds-key/04_thresholds_key.json", ())])
def test_files_that_people_sent(shared, case, left_out):
    path = shared / "cases" / case
    if not path.exists():
        pytest.skip(f"{path} is not there")
    file = threshold_file.read_threshold_file(path, NIH_FINDINGS)
    assert (file.findings, file.left_out, file.missing) == (NIH_FINDINGS, left_out, ())
    assert file.thresholds[[0, -1]].tolist() == [0.05, 0.4]


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


REFUSED = {
    "empty": ("", ["empty"]),
    "blank": ("\ufeff \n", ["empty"]),
    "cut off": ('{\n"Mass": 0.2,\n"Nodule"', ["broken JSON", "line 3"]),
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
    "another's findings": (OWN | {"thresholds": {"Covid": 0.2}}, ["no threshold of the run's 14", "'Covid'"]),
    "nothing but blanks": (dict.fromkeys(NIH_FINDINGS), ["no threshold of the run's 14"]),
    "per cent in text": (text_with('"20 %"'), ["Mass", "not a number", "'20 %'"]),
    "an object of others": (text_with('{"auc": 0.2}'), ["Mass", "not a number", "object"]),
    "two sets": ({"val": BARE, "test": BARE}, ["'val', 'test'", "not said"]),
    "three columns": ("finding,val,test\nMass,0.2,0.3\nNodule,0.2,0.3", ["which of 2 columns"]),
    "a key twice": (json.dumps(BARE)[:-1] + ', "Mass": 0.3}', ["'Mass'", "twice"]),
    "a finding twice": (BARE | {"pleural thickening": 0.2}, ["Pleural_Thickening", "twice", "'pleural thickening'"]),
    "without names": (OWN | {"thresholds": [0.2] * 13}, ["list of 13", "names", '{"Atelectasis": 0.5, ...}']),
    "thresholds are text": (OWN | {"thresholds": "0.2"}, ["'0.2'", '{"Atelectasis": 0.5, ...}']),
    "a boolean": (text_with("true"), ["Mass", "not a number", "true"]),
    "NaN": (text_with("NaN"), ["Mass", "NaN", "0 to 1"]),
    "infinity": (text_with("-Infinity"), ["Mass", "-Infinity"]),
    "below 0": (text_with("-5e-324"), ["Mass", "-5e-324"]),
    "thousands of digits": (text_with("9" * 5000), ["digits"]),
    "Latin-1": ('{"name": "Grüße"}'.encode("latin-1"), ["not UTF-8", "byte 12"]),
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
    assert set(file.findings) | set(file.missing) == set(NIH_FINDINGS) and len(file.findings) == len(file.thresholds)
    assert ((file.thresholds >= 0) & (file.thresholds <= UNREACHED)).all()
    assert all(len(line.splitlines()) == 1 for line in file.said)
    read = parse_threshold_file(threshold_file_text(file), file.findings)
    assert same(read, replace(file, left_out=(), missing=()))


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
