"""What every page of the `html` format has in common: how it looks, and how it filters."""

STYLE = """
:root { --back: #f6f7f9; --card: #fff; --ink: #1c2430; --soft: #5d6978; --line: #dfe3e9; --code: #f3f5f8;
  --error: #b3261e; --warning: #8a5a00; --info: #0b5f8a; --link: #1a56b8; --add: #1a7f37; --cut: #b3261e;
  --addback: #e8f6ec; --cutback: #fdeeed; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1a2029; --ink: #e4e8ee; --soft: #98a4b3;
  --line: #2c3541; --code: #141a22; --error: #ff8d85; --warning: #f0b955; --info: #6cc4ee; --link: #8ab4f8;
  --add: #6fd08c; --cut: #ff8d85; --addback: #16301f; --cutback: #381c1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { position: sticky; top: 0; z-index: 1; background: var(--card); border-bottom: 1px solid var(--line);
  padding: 12px max(16px, calc(50vw - 524px)); display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; }
h1 { margin: 0; font-size: 22px; letter-spacing: -.5px; } h1 span { color: var(--error); }
.sum { margin: 0; color: var(--soft); } .problems { margin: 0; color: var(--error); width: 100%; }
form { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; width: 100%; font-size: 14px; }
fieldset { border: 0; padding: 0; margin: 0; display: flex; gap: 6px; } legend { display: none; }
.chip { border: 1px solid var(--line); border-radius: 99px; padding: 2px 10px 2px 6px; cursor: pointer; }
.chip.error { color: var(--error); } .chip.warning { color: var(--warning); } .chip.info { color: var(--info); }
.chip input { vertical-align: -2px; }
select, input[type=search] { font: inherit; color: inherit; background: var(--code); border: 1px solid var(--line);
  border-radius: 6px; padding: 3px 8px; max-width: min(200px, 70vw); }
input[type=search] { width: 150px; }
main, #rules, footer { max-width: 1080px; margin: 0 auto; padding: 16px; }
article { background: var(--card); border: 1px solid var(--line); border-left: 4px solid; border-radius: 8px;
  padding: 12px 16px; margin: 0 0 14px; scroll-margin-top: 120px; }
article.error { border-left-color: var(--error); } article.warning { border-left-color: var(--warning); }
article.info { border-left-color: var(--info); } article:target { outline: 2px solid var(--link); }
article h2 { margin: 0; font-size: 16px; font-weight: 600; overflow-wrap: anywhere; }
.badge { font-size: 12px; text-transform: uppercase; letter-spacing: .4px; margin-right: 4px; }
.error .badge, pre .error { color: var(--error); } .warning .badge, pre .warning { color: var(--warning); }
.info .badge, pre .info { color: var(--info); }
.evidence { border: 1px solid var(--line); border-radius: 99px; padding: 0 8px; }
.where { margin: 4px 0 8px; display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; font-size: 13px;
  color: var(--soft); }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.place { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
pre, code { font-family: ui-monospace, "Cascadia Code", Menlo, Consolas, monospace; }
code { background: var(--code); border-radius: 4px; padding: 1px 4px; font-size: .92em; }
pre { margin: 0; padding: 8px 12px; background: var(--code); border-radius: 6px; overflow-x: auto; font-size: 13px;
  line-height: 1.45; tab-size: 4; }
pre .gutter { color: var(--soft); } pre .related { color: var(--link); }
.help { margin: 10px 0 4px; } .help small { color: var(--soft); margin-left: 6px; }
pre .added { color: var(--add); background: var(--addback); display: inline-block; min-width: 100%; }
pre .removed { color: var(--cut); background: var(--cutback); display: inline-block; min-width: 100%; }
#rules details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px;
  margin-bottom: 8px; scroll-margin-top: 120px; } summary { cursor: pointer; font-weight: 600; }
#nothing, footer { color: var(--soft); text-align: center; }
@media (max-width: 700px) { header { position: static; } article, #rules details { scroll-margin-top: 12px; } }
@media print { header { position: static; } form { display: none; } article { break-inside: avoid; } }
"""

SCRIPT = """
"use strict";
const form = document.getElementById("filters"), all = [...document.querySelectorAll("article")];
function wanted() {
  return {severity: [...form.querySelectorAll("[name=severity]:checked")].map(box => box.value),
          rule: form.rule.value, file: form.file.value, text: form.text.value.toLowerCase()};
}
function filter() {
  const want = wanted();
  let shown = 0;
  for (const one of all) {
    const data = one.dataset;
    one.hidden = !want.severity.includes(data.severity) || (want.rule && data.rule !== want.rule)
      || (want.file && data.file !== want.file) || (want.text && !one.textContent.toLowerCase().includes(want.text));
    shown += !one.hidden;
  }
  document.getElementById("shown").textContent = shown;
  document.getElementById("nothing").hidden = shown > 0;
}
function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
window.addEventListener("hashchange", open);
open();
filter();
"""
