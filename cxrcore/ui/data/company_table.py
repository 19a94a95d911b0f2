"""Which findings stand together, as a table with numbers whose cells are the darker the greater they are."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from cxrcore.findings import display_name

STRONGEST = 0.72  # opacity of the greatest share: text stays readable on it, on white and on dark
_STYLE = """<style>
.company { overflow-x: auto; }
.company table { border-collapse: separate; border-spacing: 2px; font-size: 14px; font-variant-numeric: tabular-nums; }
.company_title { margin: 0 0 6px; font-size: 15px; line-height: 1.4; }
.company_title b { font-weight: 650; margin-right: 6px; }
.company_title span { opacity: .72; }
.company th { font-weight: 400; text-align: right; padding: 0 6px; white-space: nowrap; border: 0; }
.company thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: 4px 0; text-align: left; }
.company thead th:first-child { writing-mode: initial; transform: none; }
.company td { width: 46px; min-width: 38px; height: 28px; padding: 0; text-align: center; border: 0; }
.company tbody th { position: sticky; left: 0; background: inherit; }
</style>"""


def company_table(table: pd.DataFrame, findings: Sequence[str]) -> str:
    """HTML: of the films with the row's finding, the percentage that has the column's too.

    Args:
        table: as `census.company`.
        findings: in their order.
    """
    order = list(findings)
    held = {name: table.pivot(index="given", columns="other", values=name).loc[order, order].to_numpy()
            for name in ("share", "both", "lift")}
    greatest = np.nanmax(held["share"], initial=0) or 1.0
    names = [escape(display_name(finding)) for finding in findings]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for k, name in enumerate(names):
        cells = "".join(_cell(*(held[key][k, j] for key in ("share", "both", "lift")), greatest, name, names[j])
                        for j in range(len(names)))
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (f'{_STYLE}<p class="company_title"><b>Findings together</b> '
            "<span>% of the films with the row’s finding that have the column’s too</span></p>"
            '<div class="company" tabindex="0" role="region" aria-label="Findings together"><table>'
            f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>")


def _cell(share: float, both: float, lift: float, greatest: float, given: str, other: str) -> str:
    if np.isnan(share):
        return "<td></td>"
    often = "" if np.isnan(lift) else f", {lift:.1f} times as often as over all films"
    said = f"{100 * share:.1f} % of films with {given} have {other} too ({both:,.0f} films{often})"
    return (f'<td style="background:rgba(16,132,204,{STRONGEST * share / greatest:.2f})" title="{said}">'
            f"{100 * share:.0f}</td>")
