"""How the page of `rp why` looks: light or dark as the reader's system is, and on paper."""

STYLE = """
:root{--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--box:#f6f8fa;--bad:#b3261e;--warn:#8a5a00;--good:#1a7f37;
--create:#6a737d;--boot:#2f6fae;--pull:#7a5bbf;--ssh:#12857a;--check:#a86a00;--setup:#5d7a1f;--end:#b3413a;--in:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#0e1116;--ink:#e6e9ed;--soft:#9aa4b0;--line:#30363d;--box:#161b22;
--bad:#ff8d85;--warn:#e3b341;--good:#57c76f;
--create:#9aa4b0;--boot:#6cb0ee;--pull:#b59bf0;--ssh:#4cc3b6;--check:#e0a84a;--setup:#a3c35a;--end:#f0877f;--in:#0e1116}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;margin:0 0 .5rem}
h2{font-size:1.1rem;margin:0 0 .25rem}
h3{font-size:.95rem;margin:1.25rem 0 .25rem}
h1,h2,p,td,dd,li{overflow-wrap:anywhere}
section{border-top:1px solid var(--line);margin-top:1.75rem;padding-top:1rem}
section.bad{border-top:3px solid var(--bad)}
p{margin:.25rem 0}
.reason{font-weight:600}
section.bad .reason{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}
dt{color:var(--soft)}
dd{margin:0}
figure{margin:1.25rem 0 0}
.wide{overflow-x:auto}
svg{display:block;width:100%;min-width:40rem;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
svg .time{fill:var(--soft)}
svg .lane{font-weight:600}
svg .in{fill:var(--in)}
svg .tick{stroke:var(--line)}
svg .end{stroke:var(--soft);stroke-width:3}
svg .end-bad{stroke:var(--bad)}
svg .end-kept{stroke:var(--good)}
.k-create{fill:var(--create);background:var(--create)}
.k-boot{fill:var(--boot);background:var(--boot)}
.k-pull{fill:var(--pull);background:var(--pull)}
.k-ssh{fill:var(--ssh);background:var(--ssh)}
.k-check{fill:var(--check);background:var(--check)}
.k-setup{fill:var(--setup);background:var(--setup)}
.k-end{fill:var(--end);background:var(--end)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:.5rem 0 0;padding:0;color:var(--soft)}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;border-bottom:1px solid var(--line)}
td{white-space:pre-wrap}
th{color:var(--soft);font-weight:500}
.steps td{border:0}
.at{white-space:nowrap;color:var(--soft);text-align:right;width:6rem;font-variant-numeric:tabular-nums}
.v-fail{color:var(--bad);font-weight:600}
.v-warn{color:var(--warn);font-weight:600}
.v-unknown{color:var(--soft)}
pre{background:var(--box);border:1px solid var(--line);border-radius:4px;padding:.6rem .75rem;margin:.25rem 0;
white-space:pre-wrap;overflow-wrap:anywhere;font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
summary{color:var(--soft);cursor:pointer}
.passed{columns:18rem;font-size:.88rem;color:var(--soft);margin:.25rem 0;padding-left:1.1rem}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--box:#fff;
--bad:#900;--warn:#640;--good:#050;
--in:#fff;
--create:#6a737d;--boot:#2f6fae;--pull:#7a5bbf;--ssh:#12857a;--check:#a86a00;--setup:#5d7a1f;--end:#b3413a}
body{font-size:11px}
main{max-width:none;padding:0}
svg,.legend i{print-color-adjust:exact;-webkit-print-color-adjust:exact}
svg{min-width:0}
section,figure,tr{break-inside:avoid-page}
section{break-inside:auto}
h2,h3{break-after:avoid-page}}
"""
