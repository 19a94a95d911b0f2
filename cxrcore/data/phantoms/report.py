"""What a data set of phantoms holds and how well it can be read at best, as text."""

import numpy as np

from cxrcore.data.phantoms.folder import TABLE, Phantoms
from cxrcore.findings import FINDINGS
from cxrcore.measures.metrics import macro


def phantoms_in_words(phantoms: Phantoms) -> str:
    """Films, patients, positives and the oracle's AUROC of each finding, and the command that trains on them."""
    planned, folder = phantoms.plan, phantoms.folder
    oracle = planned.oracle()
    best, excluded = macro(oracle)
    rows = [f"  {finding:<20}{int(positives):>10,}{share:>10.1%}{_number(value):>12}"
            for finding, positives, share, value in zip(FINDINGS, planned.labels.sum(axis=0),
                                                        planned.labels.mean(axis=0), oracle, strict=True)]
    undefined = f"; {excluded} of 14 findings have no positives or no negatives" if excluded else ""
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
