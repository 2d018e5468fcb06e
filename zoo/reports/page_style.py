"""Style sheet of pages: readable on wide and narrow screens, on light and dark grounds."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6472;--ground:#fff;--card:#f5f7f9;--line:#d9dee5;
--bad:#b3261e;--look:#8a5a00;--good:#1b6e3c}
@media (prefers-color-scheme:dark){:root{
--ink:#e6e9ee;--soft:#a3acba;--ground:#14181f;--card:#1d232c;--line:#343c48;
--bad:#ff8a80;--look:#f2c063;--good:#7fd39b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .8rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1rem 0 .6rem;overflow-wrap:anywhere}
p{margin:.4rem 0;overflow-wrap:anywhere}
.good,.bad{font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}
.fact,code{font-family:ui-monospace,monospace;font-size:.9rem}
article h3{margin-top:.2rem}
article{background:var(--card);border-left:4px solid var(--look);border-radius:4px;padding:.8rem 1rem;
margin:.8rem 0}
article.stops{border-color:var(--bad)}
.groups{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
figure{margin:0;max-width:100%}
figure>div,.row{display:flex;flex-wrap:wrap;gap:.4rem;align-items:flex-end}
figcaption{color:var(--soft);font-size:.85rem;max-width:15rem;overflow-wrap:anywhere;margin-top:.3rem}
figcaption b{color:var(--ink)}
.mark{color:var(--look)!important}
img{display:block;border:1px solid var(--line);
background:repeating-conic-gradient(#8883 0 25%,transparent 0 50%) 0/12px 12px}
.none{display:flex;align-items:center;width:7rem;min-height:5rem;padding:.4rem;border:1px dashed var(--bad);
font-size:.8rem;color:var(--soft);overflow-wrap:anywhere}
.table{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem;border-bottom:1px solid var(--line)}
th{font-size:.8rem;color:var(--soft)}
ul{padding-left:1.2rem;overflow-wrap:anywhere}
"""
