"""Phantoms of a data set on one sheet: each finding once, as alone as it stands, and two films without any."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cxrcore.data.phantoms.folder import TABLE, Phantoms, film_path
from cxrcore.findings import display_name
from cxrcore.measures.metrics import macro

COLUMNS = 4
FILM, CAPTION, GAP = 300, 46, 12  # pixels
HEAD = 44
_INK, _PAPER = 20, 255


def write_sheet(phantoms: Phantoms, path: Path) -> None:
    """Write the sheet as PNG; findings that the data set lacks are left out."""
    chosen, findings = choose(phantoms.plan.labels, phantoms.plan.contrast), phantoms.plan.recipe.findings
    rows = -(-len(chosen) // COLUMNS)
    size = (COLUMNS * (FILM + GAP) + GAP, HEAD + rows * (FILM + CAPTION + GAP))
    sheet = Image.new("L", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, HEAD / 2), "SYNTHETIC phantoms: drawn by a program, no patients", _INK, font_size=20, anchor="lm")
    for place, film in enumerate(chosen):
        left = GAP + place % COLUMNS * (FILM + GAP)
        top = HEAD + place // COLUMNS * (FILM + CAPTION + GAP)
        with Image.open(film_path(phantoms.folder, phantoms.plan, film)) as image:
            sheet.paste(image.resize((FILM, FILM), Image.Resampling.BICUBIC), (left, top))
        words = [display_name(findings[k]) for k in np.flatnonzero(phantoms.plan.labels[film])] or ["No finding"]
        pen.multiline_text((left, top + FILM + 4), _lines(words, pen), _INK, font_size=16, spacing=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)


def choose(labels: np.ndarray, contrast: np.ndarray) -> list[int]:
    """Films for the sheet: for each finding the one with the fewest others, then the plainest sign."""
    chosen: list[int] = []
    for finding in range(labels.shape[1]):
        shown = np.flatnonzero((labels[:, finding] > 0) & (contrast[:, finding] > 0) & ~_among(chosen, labels))
        if len(shown):
            others = labels[shown].sum(axis=1) + (contrast[shown] > 0).sum(axis=1)
            chosen.append(int(shown[np.lexsort([-contrast[shown, finding], others])[0]]))
    healthy = np.flatnonzero(~labels.any(axis=1) & ~contrast.any(axis=1))
    return chosen + healthy[:2].tolist()


def _among(chosen: list[int], labels: np.ndarray) -> np.ndarray:
    taken = np.zeros(len(labels), bool)
    taken[chosen] = True
    return taken


def _lines(words: list[str], pen: ImageDraw.ImageDraw) -> str:
    """Names with commas, broken into lines that fit under a film."""
    lines = [""]
    for word in [f"{word}, " for word in words[:-1]] + words[-1:]:
        if pen.textlength((lines[-1] + word).strip(), font_size=16) > FILM and lines[-1]:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def phantoms_in_words(phantoms: Phantoms) -> str:
    """Films, patients, positives and the oracle's AUROC of each finding, and the command that trains on them."""
    planned, folder = phantoms.plan, phantoms.folder
    oracle = planned.oracle()
    best, excluded = macro(oracle)
    rows = [f"  {finding:<20}{int(positives):>10,}{share:>10.1%}{_number(value):>12}"
            for finding, positives, share, value in zip(planned.recipe.findings, planned.labels.sum(axis=0),
                                                        planned.labels.mean(axis=0), oracle, strict=True)]
    undefined = f"; {excluded} of {len(oracle)} findings have no positives or no negatives" if excluded else ""
    already = ", all of them there already" if phantoms.were_there else ""
    return "\n".join([
        f"SYNTHETIC: {planned.recipe.films:,} films of {phantoms.n_patients:,} phantoms in {folder}{already}",
        f"  {'finding':<20}{'positives':>10}{'share':>10}{'oracle':>12}",
        *rows,
        f"Oracle: the best AUROC that labels and signs allow, macro {_number(best)}{undefined}. What a network lacks "
        "to it is its own; what the oracle lacks to 1 are wrong labels and findings without a sign.",
        f"Train on them: python scripts/train.py --csv_path {folder / TABLE} --img_root {folder}",
    ])


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
