// Tells the style what is not there yet: data-waits of <html> names "menu", "below" (the answer) and "bar". The same as
// `:has()` in the style makes the browser look through the whole page again at every text that a chart measures.
{
  const root = document.documentElement;
  const look = () => {
    const app = document.querySelector(".stApp");
    if (!(app instanceof HTMLElement)) return;
    const lacks = (/** @type {string} */ what) => app.querySelector(what) === null;
    const unfinished = app.dataset.testScriptState === "running" && lacks(".page-drawn");
    const waits = [
      lacks("[data-testid=stSidebar]") && "menu",
      (unfinished || !lacks("[data-testid=stMain] [data-testid=stSkeleton]")) && "below",
      ((unfinished && lacks("[data-first-content], .stProgress"))
        || !lacks(".st-key-page_bar [data-testid=stSkeleton]")) && "bar",
    ].filter(Boolean).join(" ");
    if (root.dataset.waits !== waits) root.dataset.waits = waits;
  };
  new MutationObserver(look).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["class", "data-test-script-state"] });
}
