"""What axe-core finds on an open page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
# What axe finds, each as its rule and the kind of element: the nearest name that Streamlit gives, and the tag.
FIND = """async (place) => {
  const { violations } = await axe.run(place, { resultTypes: ["violations"], elementRef: true });
  return violations.flatMap((rule) => rule.nodes.map(({ element, failureSummary }) => ({
    impact: rule.impact, rule: rule.id, text: element.outerHTML, why: failureSummary,
    kind: `${element.closest("[data-testid]")?.dataset.testid} ${element.localName}` })));
}"""


def faults_of(page: Page, place: str = "body") -> list[dict]:
    """What axe-core finds grave on an open page, or in a place of it."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)
    return [fault for fault in page.evaluate(FIND, place) if fault["impact"] in GRAVE]
