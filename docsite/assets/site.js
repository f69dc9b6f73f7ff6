// Pictures come in light and dark.  The browser chooses by the system's setting; follow the page's own switch instead.
const followSwitch = () => {
  const dark = document.body.dataset.mdColorScheme === "slate";
  for (const source of document.querySelectorAll("picture > source")) source.media = dark ? "all" : "not all";
};
new MutationObserver(followSwitch).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
followSwitch();

// Long names in tables may break between their words: CreateProcessingJob, model_package_group, s3://bucket/prefix.
const LONGEST = 16;
const WORDS = /(?<=[A-Za-z0-9_][-_./:])(?=[A-Za-z0-9])|(?<=[a-z])(?=[A-Z])/;
const words = (name) => (name.length > LONGEST ? name.split(WORDS) : [name]);
for (const code of document.querySelectorAll(".md-typeset table:not([class]) code")) {
  const parts = code.textContent.split(/(?<= )/).flatMap(words);
  code.replaceChildren(...parts.flatMap((part, at) => {
    const word = document.createElement("span");
    word.textContent = part;
    return at ? [document.createElement("wbr"), word] : [word];
  }));
}

// Wide tables scroll in a box of their own, which the keyboard has to reach, too.
const reachTables = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) box.tabIndex = 0;
};
new MutationObserver(reachTables).observe(document.querySelector("article"), { childList: true, subtree: true });
reachTables();
