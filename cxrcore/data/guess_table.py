"""What the columns of an unknown table probably are, told by their headings and by the values in their first rows.

A guess never decides in silence: whoever uses one shows its lines.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

from cxrcore.data.description import read_description, shipped_names
from cxrcore.data.description_parts import BLANKS, label_word, plain_word, says_nothing
from cxrcore.data.table_cells import Table
from cxrcore.errors import DataError, FindingError
from cxrcore.findings import MOST_FINDINGS, NO_FINDING, canonical, one_of

FIRST_ROWS = 50_000  # that are looked at
POSITIVE = ("1", "yes", "true", "y", "positive", "present")
NEGATIVE = ("0", "no", "false", "n", "negative", "absent")
UNCERTAIN = ("-1", "uncertain", "unsure", "u", "?")
HEADINGS = {  # as `letters`; the first that is there counts
    "film": ("imageindex", "imageid", "image", "filename", "file", "path", "imagepath", "filepath", "dicomid",
             "imagename", "film", "filmid", "sopinstanceuid", "id"),
    "patient": ("patientid", "patient", "subjectid", "subject", "patientnumber"),
    "age": ("patientage", "age", "ageyears"),
    "sex": ("patientgender", "patientsex", "sex", "gender", "patientsexdicom"),
    "view": ("viewposition", "view", "appa", "projection", "viewpositiondicom"),
    "follow_up": ("followup", "followupnumber"),
    "split": ("split", "partition", "fold", "subset", "datasplit", "datasetsplit", "splitname", "set", "part", "phase"),
    "reader": ("reader", "radid", "readerid", "radiologist", "rater", "annotator", "observer", "reviewer"),
}
NAMES = ("findinglabels", "labels", "findings", "label", "finding", "classname", "problems", "diagnosis", "diagnoses")
SEPARATORS = ("|", ";", ",")
BOXES = (("x_min", "y_min", "x_max", "y_max"), ("xmin", "ymin", "xmax", "ymax"), ("x", "y", "width", "height"),
         ("x", "y", "w", "h"))
_MOST_WORDS = 50  # of a column of labels
_STRIP = "[]'\" "
_FILM_NAME = re.compile(r".*\.(?:png|jpe?g|dcm|dicom|tiff?|bmp)", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """What the columns are taken for.

    Attributes:
        people: {'film', 'patient', ... of `HEADINGS`: heading}.
        findings: {heading or name in cells: canonical name}, in the order of the file.
        form: 'columns', 'names' or 'rows'.
        names: heading of the column of names; None where findings have columns.
        separator: between names.
        nothing: names that say that nothing was found.
        boxes: headings of the corners or sides of boxes; () where there are none.
        repeated: a film has several rows of one reader.
        left_out: columns or names that might be findings and were not taken.
        lines: what was guessed, and what could not be.
    """

    people: Mapping[str, str]
    findings: Mapping[str, str]
    form: str
    names: str | None = None
    separator: str = "|"
    nothing: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    repeated: bool = False
    left_out: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=())


class KnownNames:
    """The names of findings that are known: those of the shipped descriptions, and more.

    Args:
        more: further canonical names.
        mapping: {column or name: canonical name}, which counts before all else.
        all_names: take any name that can be one of a finding, known or not.
    """

    def __init__(self, more: Sequence[str] = (), mapping: Mapping[str, str] | None = None, all_names: bool = False):
        self._findings = tuple(dict.fromkeys((*more, *_shipped_findings())))
        self._words = dict(_shipped_words()) | {plain_word(own): name for own, name in (mapping or {}).items()}
        self._all_names = all_names

    def finding(self, name: str) -> str | None:
        """The canonical name, None where it is none."""
        try:
            return self._words.get(plain_word(name)) or one_of(self._findings, name)
        except FindingError:
            return own_name(name) if self._all_names else None

    def is_known(self, name: str) -> bool:
        """Whether a name is of the known ones, also where any name is taken."""
        try:
            return plain_word(name) in self._words or bool(one_of(self._findings, name))
        except FindingError:
            return False


def guess_table(table: Table, known: KnownNames) -> Guess:
    """Look at the headings and at the first rows.

    Raises:
        DataError: no column of films, or none of findings.
    """
    cells = table.first_rows(FIRST_ROWS).apply(lambda column: column.str.strip())
    people, lines = _people(table, cells)
    free = [place for place, heading in enumerate(table.headings)
            if heading not in people.values() and not heading.startswith("Unnamed:")]
    labels = [place for place in free if known.is_known(table.headings[place]) or looks_like_labels(cells[place])]
    findings, left_out, said = _findings([table.headings[place] for place in labels], known)
    names = _names_column(table, cells, free, known)
    films = cells[table.place_of([people["film"]])]
    if findings and (names is None or any(known.is_known(heading) for heading in findings)):
        if names is not None:
            said.append(f"column '{table.headings[names]}' holds names of findings and was left out: findings have "
                        "columns of their own")
        return Guess(people, findings, "columns", repeated=_repeated(table, cells, films, people),
                     boxes=_boxes(table), left_out=left_out, lines=(*lines, *said))
    if names is None:
        hint = f"; --map '{left_out[0]}=FINDING' takes one" if left_out else ""
        raise DataError(f"{table.path}: no column is a finding that is known here{hint}; it has "
                        f"{', '.join(table.headings[:20])}")
    return _of_names(table, cells, names, known, (people, lines, films))


def _people(table: Table, cells: pd.DataFrame) -> tuple[dict[str, str], list[str]]:
    of_letters = {letters(heading): heading for heading in reversed(table.headings)}
    people = {key: found for key, names in HEADINGS.items()
              if (found := next((of_letters[name] for name in names if name in of_letters), None))}
    if "film" in people:  # of several that are called so, one that holds names of image files
        called = [of_letters[name] for name in HEADINGS["film"] if name in of_letters]
        people["film"] = next((one for one in called if _are_files(cells[table.place_of([one])])), people["film"])
    lines = [f"{key}: column '{heading}'" for key, heading in people.items()]
    if "film" not in people:
        files = [place for place in cells if _are_files(cells[place])]
        if not files:
            raise DataError(f"{table.path} has no column of films: none is called {', '.join(HEADINGS['film'][:6])} or "
                            f"holds names of image files; it has {', '.join(table.headings[:20])}")
        people["film"] = table.headings[files[0]]
        lines.append(f"film: column '{people['film']}', which holds names of image files")
    lines += [f"{key}: no column found" for key in HEADINGS if key not in people and key not in ("reader", "split")]
    return people, lines


def _are_files(cells: pd.Series) -> bool:
    return all(_FILM_NAME.fullmatch(text) for text in cells)


def looks_like_labels(column: pd.Series) -> bool:
    """Whether all values are yes, no or uncertain in some spelling, and not all the same."""
    texts = column.unique()
    if len(texts) > _MOST_WORDS:
        return False
    found = {label_word(text) for text in texts}
    filled = found - {*BLANKS}
    return bool(filled & {*POSITIVE, *NEGATIVE}) and filled <= {*POSITIVE, *NEGATIVE, *UNCERTAIN} and len(found) > 1


def _findings(headings: Sequence[str], known: KnownNames) -> tuple[dict[str, str], tuple[str, ...], list[str]]:
    """{heading: canonical name}, headings that might be findings, and what is to be said."""
    found: dict[str, str] = {}
    left_out, said = [], []
    for heading in headings:
        finding = known.finding(heading)
        if says_nothing(heading):
            said.append(f"column '{heading}' says that there is no finding and was left out")
        elif finding is None:
            left_out.append(heading)
        elif finding in found.values():
            left_out.append(heading)
            said.append(f"'{heading}' was left out: it is a second name of {finding}")
        elif len(found) == MOST_FINDINGS:
            left_out.append(heading)
        else:
            found[heading] = finding
    if len(found) == MOST_FINDINGS and left_out:
        said.append(f"a list of findings has at most {MOST_FINDINGS}: the first ones were taken")
    return found, tuple(left_out), said


def _names_column(table: Table, cells: pd.DataFrame, free: Sequence[int], known: KnownNames) -> int | None:
    """The column whose cells name findings: the one in which most cells name a known one, or 'no finding'."""
    best, most = None, 0.0
    for place in free:
        if cells[place].nunique() < 2:
            continue
        texts = cells[place].value_counts().head(300)
        hits = sum(int(n) for text, n in texts.items()
                   if any(known.is_known(name) or says_nothing(name) for name in _split(str(text))))
        share = hits / max(int(texts.sum()), 1) + (0.5 if letters(table.headings[place]) in NAMES else 0)
        if hits and share > max(most, 0.3):
            best, most = place, share
    return best


def _split(text: str, separator: str | None = None) -> list[str]:
    """The names of a cell."""
    for one in SEPARATORS if separator is None else (separator,):
        if one in text:
            return [part.strip(_STRIP) for part in text.split(one)]
    return [text.strip(_STRIP)]


def _of_names(table: Table, cells: pd.DataFrame, place: int, known: KnownNames,
              seen: tuple[dict[str, str], list[str], pd.Series]) -> Guess:
    people, lines, films = seen
    texts = cells[place].value_counts()
    counts = {one: sum(n for text, n in texts.items() if one in str(text)) for one in SEPARATORS}
    separator = max(counts, key=lambda one: counts[one])
    separator = separator if counts[separator] else SEPARATORS[0]
    names: Counter[str] = Counter()
    for text, n in texts.items():
        names.update({name: int(n) for name in set(_split(str(text), separator)) if name})
    nothing = tuple(name for name in names if says_nothing(name))
    common = [name for name, _ in names.most_common() if name not in nothing]
    findings, left_out, said = _findings(common, known)
    if not findings:
        raise DataError(f"{table.path}: column '{table.headings[place]}' names no finding that is known here; --map "
                        f"'{common[0] if common else 'NAME'}=FINDING' takes one")
    said.append(f"labels: column '{table.headings[place]}' names findings"
                + (f", with '{separator}' between them" if counts[separator] else ""))
    repeated = films.duplicated().any()
    return Guess(people, findings, "rows" if repeated and not counts[separator] else "names", table.headings[place],
                 separator, nothing or (NO_FINDING,), _boxes(table), bool(repeated), left_out, (*lines, *said))


def _repeated(table: Table, cells: pd.DataFrame, films: pd.Series, people: Mapping[str, str]) -> bool:
    """Whether a film has several rows of one reader."""
    if "reader" not in people:
        return bool(films.duplicated().any())
    readers = cells[table.place_of([people["reader"]])]
    return bool(pd.DataFrame({"film": films, "reader": readers}).duplicated().any())


def _boxes(table: Table) -> tuple[str, ...]:
    there = {heading.lower(): heading for heading in table.headings}
    found = next((names for names in BOXES if all(name in there for name in names)), ())
    return tuple(there[name] for name in found)


def own_name(name: str) -> str | None:
    """A canonical name made of any text: signs that no name has become 'or' or a space; None where nothing is left."""
    text = re.sub(r"[^\w .,()+&'’-]+", " ", name.replace("/", " or "))
    try:
        text = text.strip(" .,")
        return canonical(text[:1].upper() + text[1:])
    except FindingError:
        return None


@cache
def _shipped_findings() -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding for name in shipped_names() for finding in read_description(name).findings))


@cache
def _shipped_words() -> tuple[tuple[str, str], ...]:
    """(word, canonical name) of the shipped vocabularies, but for words that mean that in one data set alone."""
    return tuple((plain_word(word), finding) for name in shipped_names()
                 for described in (read_description(name),)
                 for word, finding in described.vocabulary.items() if finding not in described.notes)


def letters(text: str) -> str:
    """A heading as it is compared: its letters and digits."""
    return re.sub(r"[\W_]", "", text.casefold())
