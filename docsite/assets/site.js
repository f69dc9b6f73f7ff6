// Pictures come in light and dark.  The browser chooses by the system's setting; follow the page's own switch instead.
const followSwitch = () => {
  const dark = document.body.dataset.mdColorScheme === "slate";
  for (const source of document.querySelectorAll("picture > source")) source.media = dark ? "all" : "not all";
};
new MutationObserver(followSwitch).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
followSwitch();

// Wide tables scroll in a box of their own, which the keyboard has to reach, too.
const reachTables = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) box.tabIndex = 0;
};
new MutationObserver(reachTables).observe(document.querySelector("article"), { childList: true, subtree: true });
reachTables();
