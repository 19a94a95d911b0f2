"""What a data set is, as data: where films, patients and labels stand in its table, and what its labels mean.

A description is one TOML file, shipped in `descriptions/` or a user's own; docs/descriptions.md tells its keys. It is
read and checked here; what a table then says, `film_table.read_films` reads by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cxrcore.config import LABEL_POLICIES, SPLIT_SCHEMES
from cxrcore.data.description_parts import (
    ANY,
    COLUMNS,
    FILM,
    IGNORED,
    NAMES,
    NEGATIVE,
    POSITIVE,
    REFUSED,
    ROWS,
    UNKNOWN,
    Boxes,
    Column,
    Derived,
    Films,
    Join,
    Labels,
    label_word,
    plain_word,
)
from cxrcore.data.splits import PART_SPELLINGS, SPLITS
from cxrcore.data.toml_section import Section, read_toml
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import canonical, checked_list, one_of

SHIPPED = Path(__file__).parent / "descriptions"
BESIDE = "description.toml"  # in a folder of films: it counts where nothing else is said
VIEWS = ("PA", "AP")
MOST_NAMES = 1_000  # in a vocabulary
MOST_PATTERNS = 20

_TOP = ("like", "name", "kind", "citation", "label_source", "findings", "policy", "n_films", "films", "columns", "join",
        "views", "labels", "vocabulary", "derived", "splits", "boxes")
_PEOPLE = ("patient", "age", "birth_year", "study_date", "sex", "view", "follow_up", "split", "reader")
_CORNERS, _SIDES = ("x_min", "y_min", "x_max", "y_max"), ("x", "y", "width", "height")


@dataclass(frozen=True)
class Description:
    """One data set, or one form of label files.

    Attributes:
        name: for people.
        kind: as the store keeps it: 'nih', 'chestmnist', 'phantom', or another word.
        label_source: where its labels come from, for people.
        citation: who to cite.
        findings: canonical names, in order.
        policy: what uncertain labels become: 'unknown', 'positive' or 'negative'.
        n_films: as published; None where that is not said.
        people: {'patient', 'age', 'birth_year', 'study_date', 'sex', 'view', 'follow_up', 'split', 'reader': column}
            of what the table has.
        views: its word in lower case -> 'PA' or 'AP'; other words are unknown views.
        vocabulary: its name -> canonical name, where they differ.
        notes: canonical name -> where the two are not the same thing.
        derived: canonical name -> of what it is worked out where a list of findings does not have it.
        parts: its word in lower case -> 'train', 'val' or 'test'.
        scheme: the split that its trainings take unless told otherwise; None = the usual one.
        test_list: file of the films of the official test set.
        path: of its file.
        said: what was told by the table itself and not by a file, lines worth printing.
    """

    name: str
    kind: str
    label_source: str
    citation: str
    findings: tuple[str, ...]
    policy: str
    n_films: int | None
    films: Films
    film: Column
    people: Mapping[str, Column]
    join: Join | None
    views: Mapping[str, str]
    labels: Labels
    vocabulary: Mapping[str, str]
    notes: Mapping[str, str]
    derived: Mapping[str, Derived]
    parts: Mapping[str, str]
    scheme: str | None
    test_list: str | None
    boxes: Boxes | None
    path: Path | None = None
    said: tuple[str, ...] = ()

    def finding_of(self, name: str) -> str | None:
        """The finding that one of the data set's own names means; None where it is none of its list."""
        try:
            return self._words.get(plain_word(name)) or one_of(self.findings, name)
        except FindingError:
            return None

    @cached_property
    def _words(self) -> dict[str, str]:
        return {plain_word(own): finding for own, finding in self.vocabulary.items()}

    def with_policy(self, policy: str | None) -> "Description":
        """The same with another policy for uncertain labels; as it is for None.

        Raises:
            DataError: no such policy.
        """
        if policy is None:
            return self
        if policy not in LABEL_POLICIES:
            raise DataError(f"--policy '{policy[:60]}' is none of {', '.join(LABEL_POLICIES)}")
        return replace(self, policy=policy)


def shipped_names() -> list[str]:
    """Of the descriptions that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@cache
def published_kinds() -> frozenset[str]:
    """Kinds of the data sets that were published with names of their films: all shipped ones but phantoms."""
    return frozenset(_shipped(name).kind for name in shipped_names()) - {_shipped("phantoms").kind}


def is_file(name: str) -> bool:
    """Whether a `--data` means a file and not a name."""
    return name.lower().endswith(".toml")


def read_description(name_or_path: str | Path) -> Description:
    """A shipped description by its name, or one of a file whose name ends in .toml.

    Raises:
        DataError: no such description, or whatever is wrong with it: the text names the file and the key.
    """
    if is_file(str(name_or_path)):
        return described(read_toml(Path(name_or_path)), str(name_or_path), Path(name_or_path))
    if name_or_path not in shipped_names():
        raise DataError(f"no description '{str(name_or_path)[:60]}': expected a file that ends in .toml, or one of "
                        f"{', '.join(shipped_names())}")
    return _shipped(str(name_or_path))


@cache
def _shipped(name: str) -> Description:
    path = SHIPPED / f"{name}.toml"
    return described(read_toml(path), path.name, path)


def described(values: Mapping[str, Any], file: str, path: Path | None = None) -> Description:
    """A description of what a TOML file says.

    Args:
        file: what errors call it.

    Raises:
        DataError: whatever is wrong; the text names the file and the key.
    """
    top = Section(file, "", _completed(values, file))
    top.only(_TOP)
    findings = _checked_findings(top)
    labels = _labels(top.section("labels"))
    vocabulary, notes = _vocabulary(top.section("vocabulary"), findings, labels.form)
    columns = top.section("columns")
    splits = top.section("splits")
    splits.only(("words", "test_list", "scheme"))
    columns.only(("film", "optional", *_PEOPLE))
    optional = columns.texts("optional", ())
    if others := [one for one in optional if one not in _PEOPLE]:
        raise columns.fault("optional", f"names '{others[0][:60]}': expected some of {', '.join(_PEOPLE)}")
    return Description(
        top.text("name"), top.text("kind", "films"), top.text("label_source", "its table"), top.text("citation", ""),
        findings, top.one_of("policy", LABEL_POLICIES, UNKNOWN), top.number("n_films", 0, 0, 10**9) or None,
        _films(top.section("films")), _column(columns, "film"),
        {key: _column(columns, key, key not in optional) for key in _PEOPLE if key in columns.values},
        _join(top), _views(top.section("views")), labels, vocabulary, notes,
        _derived(top.section("derived")), _parts(splits.section("words")),
        splits.one_of("scheme", SPLIT_SCHEMES) if "scheme" in splits.values else None,
        splits.text("test_list") if "test_list" in splits.values else None,
        _boxes(top, findings) if "boxes" in top.values else None, path)


def _completed(values: Mapping[str, Any], file: str) -> dict[str, Any]:
    """With what the shipped description says that this one is like; its own keys count before that one's."""
    if "like" not in values:
        return dict(values)
    like = values["like"]
    if like not in shipped_names():
        raise DataError(f"{file}: like is {ascii(like)[:60]}: expected one of {', '.join(shipped_names())}")
    model = _completed(read_toml(SHIPPED / f"{like}.toml"), f"{like}.toml")
    for key, own in values.items():
        both = isinstance(own, Mapping) and isinstance(model.get(key), Mapping)
        model[key] = {**model[key], **own} if both else own
    if "findings" in values and "vocabulary" not in values:
        kept = values["findings"] if isinstance(values["findings"], list) else [values["findings"]]
        model["vocabulary"] = {name: said for name, said in model.get("vocabulary", {}).items()
                               if (said["finding"] if isinstance(said, Mapping) else said) in kept}
    return model


def _checked_findings(top: Section) -> tuple[str, ...]:
    try:
        return checked_list(top.texts("findings"))
    except FindingError as error:
        raise top.fault("findings", f"do not do: {error}") from None


def _finding(section: Section, key: str, name: str) -> str:
    try:
        if canonical(name) == name:
            return name
        raise section.fault(key, f"is '{name[:60]}': the canonical name is {canonical(name)}")
    except FindingError as error:
        raise section.fault(key, f"does not do: {error}") from None


def _vocabulary(section: Section, findings: tuple[str, ...], form: str) -> tuple[dict[str, str], dict[str, str]]:
    """(its name -> canonical name, canonical name -> note). Of columns only one may be a finding's."""
    names, notes = {}, {}
    if len(section.values) > MOST_NAMES:
        raise DataError(f"{section.file}: {section.name} has {len(section.values):,} names; at most {MOST_NAMES:,}")
    for name, said in section.values.items():
        note = ""
        if isinstance(said, Mapping):
            inner = section.section(name)
            inner.only(("finding", "note"))
            finding, note = inner.text("finding"), inner.text("note", "")
        else:
            finding = section.text(name)
        if finding not in findings:
            raise section.fault(name, f"is '{finding[:60]}', which is none of the findings")
        if form == COLUMNS and (twice := [own for own, known in names.items() if known == finding]):
            raise section.fault(name, f"is a second name of {finding}, beside '{twice[0]}'")
        if plain_word(name) in map(plain_word, names):
            raise section.fault(name, "stands there twice")
        names[name] = finding
        if note:
            notes[finding] = note
    return names, notes


def _column(section: Section, key: str, needed: bool = True) -> Column:
    """A heading, several of which one is there, or a section that says more of it."""
    if not isinstance(section.values.get(key), Mapping):
        names, part, before, number = section.texts(key), 0, "", False
    else:
        inner = section.section(key)
        inner.only(("column", "part", "before", "number"))
        names, part, number = inner.texts("column"), inner.number("part", 0, -20, 20), inner.true("number")
        before = inner.text("before", "")
    if not names or not all(name.strip() for name in names):
        raise section.fault(key, "names no column")
    return Column(names, part, before, number, needed)


def _films(section: Section) -> Films:
    section.only(("root", "table", "pattern", "depth", "drop", "only"))
    patterns = section.texts("pattern", Films.patterns)
    if not 1 <= len(patterns) <= MOST_PATTERNS or not all(FILM in one for one in patterns):
        raise section.fault("pattern", f"has to be one to {MOST_PATTERNS} texts that hold {FILM}")
    if any(".." in Path(one).parts or Path(one).is_absolute() for one in patterns):
        raise section.fault("pattern", "leads out of the folder of the films")
    chosen = section.section("only")
    return Films(section.text("root") if "root" in section.values else None, section.texts("table", ()), patterns,
                 section.number("depth", Films.depth, 1, 6), section.number("drop", 0, 0, 20),
                 {name: chosen.texts(name) for name in chosen.values})


def _join(top: Section) -> Join | None:
    if "join" not in top.values:
        return None
    section = top.section("join")
    section.only(("table", "on", "to"))
    return Join(section.text("table"), section.text("on"), section.text("to", section.text("on")))


def _views(section: Section) -> dict[str, str]:
    section.only(VIEWS)
    return {plain_word(word): view for view in VIEWS for word in (view, *section.texts(view, ()))}


def _labels(section: Section) -> Labels:
    section.only(("form", "column", "separator", "strip", "none", "left_out", "positive", "negative", "uncertain",
                  "blank", "others", "repeated"))
    form = section.one_of("form", (NAMES, COLUMNS, ROWS))
    if form == COLUMNS and "column" in section.values:
        raise section.fault("column", "is of labels of the other forms: here each finding has a column")
    values = {key: tuple(map(label_word, section.texts(key, getattr(Labels, key))))
              for key in ("positive", "negative", "uncertain")}
    words = [word for known in values.values() for word in known]
    if twice := {word for word in words if words.count(word) > 1}:
        raise section.fault("positive", f"and the others name '{min(twice)[:60]}' twice")
    return Labels(
        form, None if form == COLUMNS else _column(section, "column"),
        str(section.values["separator"]) if section.values.get("separator") == " " else section.text("separator", "|"),
        "".join(section.texts("strip", (" ",))), section.texts("none", ()), section.texts("left_out", ()), **values,
        blank=section.one_of("blank", (UNKNOWN, NEGATIVE, POSITIVE, REFUSED), UNKNOWN if form == COLUMNS else REFUSED),
        others=section.one_of("others", (REFUSED, IGNORED), REFUSED),
        repeated=section.one_of("repeated", (REFUSED, ANY), REFUSED))


def _derived(section: Section) -> dict[str, Derived]:
    found = {}
    for name in section.values:
        inner = section.section(name)
        inner.only(("any", "note"))
        members = tuple(_finding(inner, "any", one) for one in inner.texts("any"))
        if len(set(members)) < 2 or name in members:
            raise inner.fault("any", "has to be two or more other findings")
        found[_finding(section, name, name)] = Derived(members, inner.text("note", ""))
    return found


def _parts(section: Section) -> dict[str, str]:
    section.only(SPLITS)
    usual = {word: part for part in SPLITS for word in PART_SPELLINGS[part]}
    return usual | {plain_word(word): part for part in SPLITS for word in (part, *section.texts(part, ()))}


def _boxes(top: Section, findings: tuple[str, ...]) -> Boxes:
    section = top.section("boxes")
    section.only(("file", "film", "finding", "always", *_SIDES, *_CORNERS))
    corners = _CORNERS[0] in section.values
    always = section.one_of("always", findings) if "always" in section.values else None
    return Boxes(section.text("file") if "file" in section.values else None, _place(section, "film"),
                 None if always else _place(section, "finding"), always,
                 tuple(_place(section, side) for side in (_CORNERS if corners else _SIDES)), corners)


def _place(section: Section, key: str) -> str | int:
    """A heading, or a number of a column from 1."""
    if isinstance(section.values.get(key), int):
        return section.number(key, 1, 1, 2_000)
    return section.text(key)
