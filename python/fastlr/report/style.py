"""How a report looks, wide and narrow, light and dark, and on paper; and what sorts its tables."""

from __future__ import annotations

import base64
import hashlib

from fastlr.typesetting.html import STYLE

__all__ = ["SCRIPT", "policy", "stylesheet"]

_LIGHT = "--page:#fff;--ink:#1c1c1e;--faint:#8a8a8e;--line:#d9d9de;--point:#1f6fb4;--accent:#c2410c;--card:#f6f6f8"
_DARK = "--page:#16171a;--ink:#e9e9ec;--faint:#8e8e96;--line:#3a3b41;--point:#6db3f2;--accent:#ff9f5a;--card:#1f2024"

_PAGE = (
    ":root{color-scheme:light dark;"
    + _LIGHT
    + """}
@media (prefers-color-scheme:dark){:root{"""
    + _DARK
    + """}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
h1{font-size:1.7rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1rem 0 .3rem}
header p{margin:.3rem 0;overflow-wrap:anywhere}
.sub{opacity:.8}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin-top:.6rem}
a{color:var(--point)}
.key{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0 0;padding:0}
.key div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.45rem .8rem}
.key dt{font-size:.85rem;opacity:.8}
.key dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}
ul{padding-left:1.2rem;margin:.3rem 0}
li{margin:.3rem 0;overflow-wrap:anywhere}
.looks{list-style:none;padding:0}
.looks li{border-left:4px solid var(--accent);background:var(--card);padding:.45rem .8rem;border-radius:0 .4rem .4rem 0}
.fastlr-text{max-width:none}
.fastlr-text thead td{text-align:left;vertical-align:bottom}
.fastlr-text .scroll:focus-visible{outline:2px solid var(--point)}
.fastlr-text tbody tr:nth-child(even){background:var(--card)!important}
.fastlr-text thead th,.fastlr-text caption span,.fastlr-text .legend,.fastlr-text .numerics{opacity:.85}
.fastlr-text td.words,.fastlr-text th.words{text-align:left;white-space:normal;min-width:8em}
.fastlr-text button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer;
 text-decoration:underline dotted;text-underline-offset:.2em}
.fastlr-text button:focus-visible{outline:2px solid var(--point)}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.2rem}
sup{line-height:0}
figure{margin:0;break-inside:avoid;display:flex;flex-direction:column;justify-content:space-between}
figcaption{font-size:.92rem}
figcaption strong{display:block}
figure svg{display:block;width:100%;max-width:36rem;height:auto}
figure svg text{font-family:inherit}
footer{margin-top:2.5rem;padding-top:.6rem;padding-bottom:2rem;border-top:1px solid var(--line);font-size:.9rem}
@media (max-width:40rem){body{font-size:15px}
 .fastlr-text tbody th{position:sticky;left:0;background:var(--page);max-width:9em;white-space:normal;
  overflow-wrap:break-word;min-width:7em}
 .fastlr-text tbody tr:nth-child(even) th{background:var(--card)}}
@media print{:root{color-scheme:light;"""
    + _LIGHT
    + """}
 @page{margin:14mm}
 body{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
 nav{display:none}
 main,header,footer{max-width:none;padding:0}
 h2{break-after:avoid}
 tr,li,.key div{break-inside:avoid}
 .scroll{overflow:visible!important}
 .fastlr-text{font-size:8.5pt}
 .fastlr-text th,.fastlr-text td{padding:.15em .35em}
 .pictures{grid-template-columns:1fr 1fr}
 figcaption{font-size:8.5pt}
 .fastlr-text button{text-decoration:none}}
"""
)

SCRIPT = """\
"use strict";
for (const box of document.querySelectorAll("[data-keys]")) {
  const keys = JSON.parse(box.dataset.keys), body = box.querySelector("tbody");
  const rows = [...body.rows], heads = [...box.querySelectorAll("thead tr > *")];
  heads.forEach((head, j) => {
    if (!keys[j]) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    if (!button.textContent) button.textContent = "name";
    head.setAttribute("role", "columnheader");
    button.title = "sort by this column";
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort"), first = keys[j].first;
      const other = first === "ascending" ? "descending" : "ascending";
      const now = was === first ? other : was === other ? null : first;
      for (const each of heads) each.removeAttribute("aria-sort");
      if (now) head.setAttribute("aria-sort", now);
      const by = keys[j].values, sign = now === "descending" ? -1 : 1;
      const order = rows.map((_, i) => i);
      if (now) order.sort((a, b) => (by[a] === null) - (by[b] === null) || sign * (by[a] - by[b]) || a - b);
      body.append(...order.map(i => rows[i]));
    });
  });
}
"""


def stylesheet() -> str:
    """The style of the whole page: that of tables and notes, and its own."""
    return STYLE + _PAGE


def policy() -> str:
    """What a browser may do for the page: its own style and its own script, and nothing from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
