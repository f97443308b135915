"""Style of the HTML report: telephone and desk, light and dark, screen and paper.

All selectors begin with `.doctor`: in a notebook nothing else is touched.
"""

_LIGHT = """
  --page: #f5f6f8; --card: #fff; --text: #1c2127; --quiet: #5a6472; --line: #dde1e7;
  --code: #f0f2f5; --error: #b91c28; --warning: #8f5a00; --note: #2563ab;
  --good: #14734a;
  --s0: #0b5cc2; --s1: #c24a00; --s2: #00795c; --s3: #9a3e97; --s4: #7d6200;
  --s5: #5a6472; --hit: #0b5cc2; --miss: #c24a00; --band: #14734a1f; --on: #fff;
"""
_DARK = """
  --page: #101318; --card: #191e25; --text: #e7eaee; --quiet: #a0a9b5; --line: #2e353f;
  --code: #11151a; --error: #ff8a8a; --warning: #f2bd57; --note: #86bcff;
  --good: #66d39a;
  --s0: #6fb1ff; --s1: #ff9d57; --s2: #4fd0a8; --s3: #e296df; --s4: #dcbf4d;
  --s5: #a0a9b5; --hit: #6fb1ff; --miss: #ff9d57; --band: #66d39a24; --on: #0d1117;
"""
_RULES = """
.doctor { background: var(--page); color: var(--text); padding: 24px 16px 40px;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; }
.doctor * { box-sizing: border-box; }
.doctor > * { max-width: 1080px; margin: 0 auto; }
.doctor h1, .doctor h2, .doctor h3, .doctor p, .doctor pre, .doctor ul, .doctor dl,
.doctor dd, .doctor figure { margin: 0; padding: 0; }
.doctor h1 { font-size: 24px; line-height: 1.25; }
.doctor h2 { font-size: 17px; margin: 32px auto 12px; }
.doctor h3 { font-size: 16px; line-height: 1.4; }
.doctor code, .doctor pre { font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo,
  Consolas,
  monospace; background: none; color: inherit; }
.doctor .quiet { color: var(--quiet); font-size: 13.5px; }
.doctor .card, .doctor .verdict { background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px; padding: 16px 18px; }
.doctor .verdict { display: flex; gap: 16px; align-items: center; padding: 20px;
  border-top: 5px solid var(--state); }
.doctor .verdict > svg { flex: none; width: 44px; height: 44px; }
.doctor .verdict p { margin-top: 4px; }
.doctor .icon circle, .doctor .icon .shape { fill: var(--state); }
.doctor .icon .sign { fill: none; stroke: var(--card); stroke-width: 2.6;
  stroke-linecap: round; stroke-linejoin: round; }
.doctor .error { --state: var(--error); } .doctor .warning { --state: var(--warning); }
.doctor .note { --state: var(--note); } .doctor .healthy { --state: var(--good); }
.doctor .unknown { --state: var(--quiet); }
.doctor .finding { border-left: 5px solid var(--state); margin-bottom: 12px; }
.doctor .finding header { display: flex; flex-wrap: wrap; gap: 4px 12px;
  align-items: center; margin-bottom: 8px; }
.doctor .badge { display: inline-flex; align-items: center; gap: 6px;
  color: var(--state);
  font-weight: 650; font-size: 13.5px; }
.doctor .badge svg { width: 18px; height: 18px; }
.doctor .finding h3 code { font-size: 16px; font-weight: 650; }
.doctor .sure { margin-left: auto; }
.doctor .evidence { font-weight: 600; margin-bottom: 2px; }
.doctor .finding dl { display: grid; grid-template-columns: auto 1fr; gap: 8px 14px;
  margin-top: 12px; align-items: baseline; }
.doctor dt { color: var(--quiet); font-size: 13.5px; }
.doctor pre { white-space: pre-wrap; background: var(--code); border-radius: 6px;
  padding: 6px 10px; }
.doctor .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(
  min(400px, 100%), 1fr)); gap: 12px; }
.doctor .plot p { margin: 2px 0 8px; }
.doctor .plot > svg { display: block; width: 100%; max-width: 560px; height: auto;
  overflow: visible; }
.doctor .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px;
  font-size: 13.5px; margin-top: 6px; }
.doctor .legend svg { width: 26px; height: 12px; margin-right: 6px;
  vertical-align: -1px; }
.doctor details { margin-top: 10px; font-size: 13.5px; }
.doctor summary { cursor: pointer; color: var(--quiet); }
.doctor .scroll { overflow-x: auto; max-height: 320px; margin-top: 6px; }
.doctor table { border-collapse: collapse; width: 100%;
  font-variant-numeric: tabular-nums;
  font-size: 13px; margin: 0; }
.doctor th, .doctor td { text-align: right; padding: 3px 8px; white-space: nowrap;
  border-bottom: 1px solid var(--line); background: none; }
.doctor th:first-child, .doctor td:first-child { text-align: left;
  white-space: normal; }
.doctor th { color: var(--quiet); font-weight: 500; }
.doctor .facts { display: grid; gap: 12px 24px;
  grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); }
.doctor .facts dd { font-weight: 550; }
.doctor .rules { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; }
.doctor .rules .found { color: var(--state); font-weight: 650; }
.doctor .reasons > div + div { margin-top: 10px; }
.doctor footer { margin-top: 28px; }
.doctor svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto,
  sans-serif;
  fill: var(--text); }
.doctor svg .tick { fill: var(--quiet); }
.doctor svg .name { fill: currentColor; font-weight: 600; }
.doctor svg .count { font-size: 11px; } .doctor svg .count.on { fill: var(--on); }
.doctor .grid { stroke: var(--line); stroke-width: 1; }
.doctor .axis { stroke: var(--quiet); stroke-width: 1; }
.doctor .band { fill: var(--band); }
.doctor .empty { fill: none; stroke: var(--line); }
.doctor .curve { fill: none; stroke: currentColor; stroke-width: 1.8;
  stroke-linejoin: round; }
.doctor .dot, .doctor .bar, .doctor .diamond { fill: currentColor; }
.doctor .bar.s2 { fill-opacity: .35; stroke: currentColor; }
.doctor .ring, .doctor .cross { fill: none; stroke: currentColor; stroke-width: 1.6; }
.doctor .cross { stroke-width: 2.4; }
.doctor .stem { stroke: currentColor; stroke-width: 2; opacity: .45; }
.doctor .hit { fill: var(--hit); stroke: var(--line); }
.doctor .miss { fill: var(--miss); stroke: var(--line); }
.doctor path.hit, .doctor path.miss { stroke: none; }
.doctor .s0 { color: var(--s0); } .doctor .curve.s0 { stroke-width: 2.6; }
.doctor .s1 { color: var(--s1); } .doctor .curve.s1 { stroke-dasharray: 7 3; }
.doctor .s2 { color: var(--s2); } .doctor .curve.s2 { stroke-dasharray: 2 2.5; }
.doctor .s3 { color: var(--s3); } .doctor .curve.s3 { stroke-dasharray: 9 3 2 3; }
.doctor .s4 { color: var(--s4); } .doctor .curve.s4 { stroke-dasharray: 4 2; }
.doctor .s5 { color: var(--s5); } .doctor .curve.s5 { stroke-dasharray: 1 3; }
.doctor .bad { color: var(--error); }
@media (max-width: 600px) {
  .doctor { padding: 12px 10px 32px; }
  .doctor h1 { font-size: 20px; }
  .doctor .card { padding: 14px; }
  .doctor .verdict { padding: 16px; align-items: flex-start; }
  .doctor .finding dl { grid-template-columns: 1fr; gap: 2px; }
  .doctor .finding dd + dt { margin-top: 8px; }
  .doctor .sure { margin-left: 0; }
  .doctor svg text { font-size: 12.5px; }
}
@media print {
  .doctor { padding: 0; zoom: 0.85; }
  .doctor .plots { grid-template-columns: 1fr 1fr; }
  .doctor .card, .doctor .verdict { break-inside: avoid; }
  .doctor h2 { break-after: avoid; }
  .doctor details { display: none; }
  .doctor * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
CSS = (
    f".doctor {{ color-scheme: light dark; {_LIGHT} }}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ .doctor {{ {_DARK} }} }}"
    f"{_RULES}"
)
