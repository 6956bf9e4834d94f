// Keys for whoever works without a mouse. Every page works without this file.
// An element says which key is its own: `data-key="t"` with `data-key-says="take the next case"`. A button or a link is
// pressed by its key; one with `data-key-focus`, and every field, is only gone to: no key decides anything.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  const switched = document.getElementById("keys-on");
  const kept = "kyc-gate-keys";
  if (!dialog || !switched) return;
  try {
    switched.checked = localStorage.getItem(kept) !== "off";
  } catch {
    // A browser that keeps nothing has keys on each page.
  }
  switched.addEventListener("change", () => {
    try {
      localStorage.setItem(kept, switched.checked ? "on" : "off");
    } catch {
      // As above.
    }
  });

  const rows = () => [...document.querySelectorAll("[data-row]")];

  const step = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const now = all.indexOf(document.activeElement);
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + by, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  const help = () => {
    const told = [["?", "show these keys"]];
    if (rows().length > 0) told.push(["j / k", "next and previous row"], ["Enter", "open the row"]);
    for (const each of document.querySelectorAll("[data-key]")) {
      told.push([each.dataset.key, each.dataset.keySays || each.textContent.trim()]);
    }
    const list = dialog.querySelector("dl");
    list.replaceChildren();
    for (const [key, says] of told) {
      const term = document.createElement("dt");
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap);
      const about = document.createElement("dd");
      about.textContent = says;
      list.append(term, about);
    }
    dialog.showModal();
  };

  const writes = (target) =>
    target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open || writes(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      help();
      return;
    }
    if (!switched.checked) return;
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      step(event.key === "j" ? 1 : -1);
      return;
    }
    const own = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
    if (!own) return;
    event.preventDefault();
    const pressed = own.matches("a[href], button") && !("keyFocus" in own.dataset);
    if (pressed) {
      own.click();
    } else {
      own.closest("details")?.setAttribute("open", "");
      own.focus();
      own.scrollIntoView({ block: "center" });
    }
  });
})();
