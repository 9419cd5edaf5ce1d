// The dashboard's script: takes in the panels that changed, and leaves alone what a person is at: focus, scrolling,
// what is unfolded, what is selected. Without it the page is whole, and as old as its loading.
//
// Nothing is evaluated, and no markup is put in but what the page's own server escaped. No one else is asked.
"use strict";
(() => {
  const root = document.documentElement;
  const DEAD_MS = 45000; // three beats of the server: the connection is dead, though no one said so
  const RETRY_MS = [500, 1000, 2000, 5000, 10000, 15000];
  const HIDDEN_MS = 60000; // a browser has six connections to a server: a page that no one sees gives its own back
  const SAY_MS = 4000; // a screen reader is not interrupted more often
  const TICK_MS = 1000;
  const $ = (id) => document.getElementById(id);

  // --- what is remembered between two visits -------------------------------------------------------

  const recall = (name, otherwise) => {
    try { return localStorage.getItem(`gitcoord-${name}`) || otherwise; } catch { return otherwise; }
  };
  const remember = (name, value) => {
    try { localStorage.setItem(`gitcoord-${name}`, value); } catch { /* a page from a disk may keep nothing */ }
  };

  // The theme, before anything is painted.
  const useTheme = (name) => {
    if (name === "light" || name === "dark") root.dataset.theme = name; else delete root.dataset.theme;
  };
  useTheme(recall("theme", "auto"));
  root.classList.add("scripted");

  // --- saying: to eyes, and politely to a screen reader ---------------------------------------------

  let toSay = [], sayTimer = 0;
  const say = (sentence) => {
    if (!toSay.includes(sentence)) toSay.push(sentence);
    if (sayTimer) return;
    const speak = () => {
      sayTimer = 0;
      if (!toSay.length) return;
      $("said").textContent = toSay.join(" ");
      toSay = [];
      sayTimer = setTimeout(speak, SAY_MS);
    };
    speak();
  };

  const show = (state, text) => {
    $("condition").dataset.state = state;
    $("condition-text").textContent = text;
  };
  let warned = "";
  const warn = (sentence, hint = "", age = "") => {
    const said = [sentence, hint].filter(Boolean).join(" ");
    if (said && said !== warned) say(said); // without its age, which is another one each second
    warned = said;
    const shown = [said, age].filter(Boolean).join(" ");
    if ($("trouble").textContent !== shown) $("trouble").textContent = shown;
    $("trouble").hidden = !shown;
  };

  // --- moments: how long ago, or in how long ---------------------------------------------------------

  const UNITS = [[86400, 2, "d"], [3600, 2, "h"], [60, 1, "min"], [1, 0, "s"]]; // as the server says them
  const span = (seconds) => {
    const [size, , unit] = UNITS.find(([size, least]) => seconds >= size * least);
    return `${Math.floor(seconds / size)} ${unit}`;
  };
  const since = (moment) => `${span(Math.max(0, (Date.now() - moment) / 1000))} ago`;
  const until = (moment) => {
    const seconds = Math.floor((moment - Date.now()) / 1000);
    if (seconds <= 0) return "over";
    return span(seconds < 60 ? seconds : seconds + 30);
  };
  const selection = () => {
    const found = document.getSelection();
    return found && found.rangeCount && !found.isCollapsed ? found : null;
  };
  const tellTime = (within) => {
    const selected = selection();
    for (const time of within.querySelectorAll("time.ago, time.left")) {
      const text = (time.classList.contains("ago") ? since : until)(Date.parse(time.dateTime));
      if (time.textContent !== text && !(selected && selected.containsNode(time, true))) time.textContent = text;
    }
  };

  // --- taking in: a node of before stays where the new one is alike ----------------------------------

  // What a node is about: rows of a table by the first thing in them that has a name of its own.
  const keyOf = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    if (node.nodeName !== "TR" && node.nodeName !== "LI") return node.dataset.key || node.id;
    const named = node.querySelector("code, strong");
    return named ? named.textContent : "";
  };
  const keysOf = (parent) => {
    const keys = new Map(), seen = new Set();
    for (const child of parent.childNodes) {
      const key = keyOf(child);
      keys.set(child, key && !seen.has(key) ? key : "");
      seen.add(key);
    }
    return keys;
  };
  const isAlike = (old, fresh) => old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName;
  const OURS = new Set(["data-out", "tabindex", "role", "aria-labelledby"]); // what this script gives to a node
  const isOurs = (node, name) => (name === "open" && node.nodeName === "DETAILS") || OURS.has(name);

  const takeAttributes = (old, fresh) => {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !isOurs(old, name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    }
  };

  const take = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    takeAttributes(old, fresh);
    if (old.nodeName !== "TIME") takeChildren(old, fresh); // the clock tells the text of moments
  };

  const takeChildren = (old, fresh) => {
    const before = keysOf(old), after = keysOf(fresh);
    const wanted = new Set(after.values()), known = new Map();
    for (const [child, key] of before) {
      if (key && wanted.has(key)) known.set(key, child);
      else if (key) child.remove();
    }
    const kept = new Set();
    let next = old.firstChild;
    for (const [child, key] of after) {
      let found = key ? known.get(key) : next;
      while (!key && found && before.get(found)) found = found.nextSibling;
      if (found && !isAlike(found, child)) found = null;
      if (!found) {
        old.insertBefore(child, next);
        kept.add(child);
        continue;
      }
      if (found === next) next = next.nextSibling;
      else if (old.moveBefore) old.moveBefore(found, next); // it keeps the focus
      else old.insertBefore(found, next);
      kept.add(found);
      take(found, child);
    }
    for (const child of [...old.childNodes]) if (!kept.has(child)) child.remove();
  };

  // A browser takes the focus from a node that is moved or gone; then it is on the panel's heading.
  const focusOn = (node) => {
    if (node.nodeName === "H2") node.tabIndex = -1;
    node.focus({ preventScroll: true });
  };

  // --- panels ------------------------------------------------------------------------------------

  const waiting = new Map(); // name -> the newest that came while the page is paused, or the panel is being read
  let isPaused = false;

  const sectionOf = (name) => document.querySelector(`[data-panel="${CSS.escape(name)}"]`);
  const isBeingRead = (section) => {
    const selected = selection();
    return Boolean(selected && selected.getRangeAt(0).intersectsNode(section));
  };

  const arrived = (panel) => {
    const section = sectionOf(panel.name);
    if (!section) return;
    if (isPaused || isBeingRead(section)) waiting.set(panel.name, panel);
    else put(panel);
    tellPaused();
  };

  const put = (panel) => {
    const section = sectionOf(panel.name), held = document.activeElement;
    const isHere = section.contains(held);
    take(section, new DOMParser().parseFromString(panel.html, "text/html").body.firstElementChild);
    if (isHere && document.activeElement !== held) focusOn(held.isConnected ? held : section.querySelector("h2"));
    waiting.delete(panel.name);
    furnish(section);
    section.classList.add("changed");
    setTimeout(() => section.classList.remove("changed"), 1200);
    changed.add(nameOf(section));
    if (changed.size === 1) setTimeout(sayChanged, TICK_MS);
  };

  const changed = new Set(); // names of panels, to be said in one sentence
  const nameOf = (section) => section.querySelector("h2").firstChild.data.trim();
  const sayChanged = () => {
    say(`Changed: ${[...changed].join(", ")}.`);
    changed.clear();
  };

  const putWaiting = () => {
    if (isPaused) return;
    for (const panel of [...waiting.values()]) if (!isBeingRead(sectionOf(panel.name))) put(panel);
    tellPaused();
  };

  const tellPaused = () => {
    const button = $("pause");
    button.setAttribute("aria-pressed", String(isPaused));
    $("pause-text").textContent = isPaused ? (waiting.size ? `Resume (${waiting.size} changed)` : "Resume") : "Pause";
  };

  const pause = () => {
    isPaused = !isPaused;
    say(isPaused ? "Paused: nothing changes until you resume." : "Live again.");
    putWaiting();
    tellPaused();
    tellCondition();
  };

  // What the script adds to a panel that the server made.
  const furnish = (section) => {
    tellTime(section);
    filter(section);
    reachWide(section);
    const count = section.querySelector(".count"), entry = document.querySelector(`nav a[href="#${section.id}"] b`);
    if (entry) entry.textContent = count && count.textContent !== "0" ? count.textContent : "";
    countAttention();
  };

  // What scrolls sideways is reached by keys, too.
  const reachWide = (section) => {
    for (const wide of section.querySelectorAll(".wide")) {
      const scrolls = wide.scrollWidth > wide.clientWidth;
      if (scrolls) {
        wide.tabIndex = 0;
        wide.setAttribute("role", "group");
        wide.setAttribute("aria-labelledby", section.querySelector("h2").id);
      } else for (const name of ["tabindex", "role", "aria-labelledby"]) wide.removeAttribute(name);
    }
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say("Copied.");
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    } catch {
      say("It cannot be copied here; the command is selected.");
      document.getSelection().selectAllChildren(button.previousElementSibling);
    }
  };

  const title = document.title;
  const countAttention = () => {
    const shown = document.querySelector("#panel-attention .count"), count = shown ? shown.textContent : "0";
    document.title = count !== "0" ? `(${count}) ${title}` : title;
  };

  // --- filter --------------------------------------------------------------------------------------

  const ROWS = "tbody > tr, ul.rows > li, g.step, g.span";
  const filter = (within) => {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of within.querySelectorAll(ROWS)) {
      const text = row.textContent.toLowerCase();
      row.toggleAttribute("data-out", !words.every((word) => text.includes(word)));
    }
  };
  const filterAll = () => {
    filter(document);
    const rows = [...document.querySelectorAll("main tbody > tr, main ul.rows > li")];
    const left = rows.filter((row) => !row.hasAttribute("data-out")).length;
    $("matches").textContent = $("filter").value.trim() ? `${left} of ${rows.length} rows` : "";
  };

  // --- connection ------------------------------------------------------------------------------------

  const isLive = root.dataset.live === "yes";
  let source = null, heard = 0, tries = 0, retryTimer = 0, hiddenTimer = 0;
  let condition = null; // what the server said last: {at, trouble, hint}
  let lost = ""; // why there is no connection

  const tellCondition = () => {
    if (!isLive) return;
    const age = condition ? since(Date.parse(condition.at)) : "";
    if (lost) show("lost", age ? `Not connected, read ${age}` : "Not connected");
    else if (!condition) show("waiting", "Connecting…");
    else if (isPaused) show("paused", "Paused");
    else if (condition.trouble) show("old", `Read ${age}`);
    else show("live", "Live");
    if (lost) warn(lost, "Trying again…");
    else if (condition && condition.trouble) warn(condition.trouble, condition.hint, `What is shown was read ${age}.`);
    else warn("");
  };

  // What this page has, also what waits to be put.
  const digests = () => [...document.querySelectorAll("[data-panel]")].map(({ dataset: { panel, digest } }) =>
    `${panel}.${waiting.has(panel) ? waiting.get(panel).digest : digest || ""}`).join(",");

  const connect = () => {
    disconnect();
    heard = Date.now();
    source = new EventSource(`live?have=${encodeURIComponent(digests())}`);
    const on = (name, act) => source.addEventListener(name, (event) => {
      heard = Date.now();
      act(JSON.parse(event.data));
    });
    on("version", (version) => {
      if (version !== root.dataset.version) location.reload(); // the server is another one now, and so is its page
      if (lost) say("Connected again.");
      [lost, tries] = ["", 0];
      tellCondition();
    });
    on("panel", arrived);
    on("condition", (news) => {
      condition = news;
      tellCondition();
    });
    on("beat", () => {});
    source.onerror = lose;
  };

  const disconnect = () => {
    clearTimeout(retryTimer);
    if (source) source.close();
    source = null;
  };

  // A stream that fails says nothing of why; a question does.
  const lose = async () => {
    disconnect();
    let why = "The dashboard does not answer: it was ended, or its machine sleeps.";
    try {
      const answer = await fetch("live", { method: "HEAD", cache: "no-store" });
      if (answer.status === 403) why = "The dashboard was started again, with another address: open the one it printed.";
      if (answer.status === 503) why = "Too many pages of this dashboard are open: close some.";
      if (answer.ok && tries === 0) why = ""; // it is back already
    } catch { /* it does not answer */ }
    if (source || document.hidden) return;
    lost = why;
    tellCondition();
    retryTimer = setTimeout(connect, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
  };

  const watchConnection = () => {
    if (source && Date.now() - heard > DEAD_MS) lose();
  };

  const seenOrNot = () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(disconnect, HIDDEN_MS);
    else if (!source) connect();
  };

  // --- keys ------------------------------------------------------------------------------------------

  const headings = () => [...document.querySelectorAll("main > section > h2")];
  const go = (by) => {
    const all = headings();
    const here = all.findIndex((heading) => heading.parentNode.contains(document.activeElement));
    const first = by > 0 ? 0 : all.length - 1;
    const heading = all[here < 0 ? first : Math.min(Math.max(here + by, 0), all.length - 1)];
    focusOn(heading);
    heading.parentNode.scrollIntoView({ block: "start" });
  };
  const switchTheme = () => {
    const choice = $("theme");
    choice.selectedIndex = (choice.selectedIndex + 1) % choice.options.length;
    choice.dispatchEvent(new Event("change"));
    say(`Theme: ${choice.selectedOptions[0].textContent}.`);
  };
  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    "/": () => $("filter").focus(),
    p: () => isLive && pause(),
    t: switchTheme,
    "?": () => $("keys").showModal(),
  };
  const pressed = (event) => {
    if (event.key === "Escape" && event.target === $("filter")) {
      $("filter").value = "";
      filterAll();
    }
    const isTyping = event.target.closest && event.target.closest("input, select, textarea, dialog");
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping || !$("single-keys").checked) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  };

  // --- begin -----------------------------------------------------------------------------------------

  document.addEventListener("DOMContentLoaded", () => {
    $("theme").value = recall("theme", "auto");
    $("theme").addEventListener("change", () => {
      remember("theme", $("theme").value);
      useTheme($("theme").value);
    });
    $("single-keys").checked = recall("keys", "on") === "on";
    $("single-keys").addEventListener("change", () => remember("keys", $("single-keys").checked ? "on" : "off"));
    $("help").addEventListener("click", () => $("keys").showModal());
    $("filter").addEventListener("input", filterAll);
    document.addEventListener("keydown", pressed);
    document.addEventListener("click", (event) => {
      const button = event.target.closest && event.target.closest("button.copy");
      if (button) copy(button);
    });
    const sections = [...document.querySelectorAll("[data-panel]")];
    sections.forEach(furnish);
    addEventListener("load", () => sections.forEach(reachWide)); // the style is there by now
    addEventListener("resize", () => sections.forEach(reachWide));
    filterAll();
    setInterval(() => { tellTime(document); tellCondition(); }, TICK_MS);
    if (!isLive) return;
    $("pause").addEventListener("click", pause);
    document.addEventListener("selectionchange", putWaiting);
    document.addEventListener("visibilitychange", seenOrNot);
    setInterval(watchConnection, TICK_MS);
    connect();
  });
})();
