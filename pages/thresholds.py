"""Thresholds: drag one per finding and watch F1 and recall move; fit, save, load and compare sets of them."""

from cxrcore.ui.run_pages import open_runs_page
from cxrcore.ui.thresholds import lab

with open_runs_page("thresholds", lab.WITHOUT_RUNS, head=False) as page:
    lab.open_lab(page.store)
