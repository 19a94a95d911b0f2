"""Thresholds: drag one per finding and watch F1 and recall move; fit, save, load and compare sets of them."""

from cxrcore.ui import threshold_view
from cxrcore.ui.runs_page import open_runs_page

with open_runs_page("thresholds", threshold_view.WITHOUT_RUNS) as page:
    threshold_view.open_lab(page.store)
