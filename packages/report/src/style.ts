import { Html } from "./html.ts";

// Colours are set once per theme; nothing else in the file names a colour.
// As many hues as adapters can train side by side, neighbours far apart; what comes round again is dashed.
const adapterColours = Array.from({ length: 16 }, (_, i) => {
  const colour = `hsl(${Math.round(i * 137.5 + 215) % 360} 62% 48%)`;
  return `.curve.a${i}{stroke:${colour}${i >= 8 ? ";stroke-dasharray:5 3" : ""}}.dot.a${i}{fill:${colour}}.key.a${i}::before{background:${colour}}`;
}).join("");

// The console's mark (apps/web/app/icon.svg).
export const logo = new Html(
  '<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" class="ground"/><path d="M6 9c4.5 0 4.5 14 9.5 14S20 15 26 15"/></svg>',
);

export const style = new Html(`<style>
:root{color-scheme:light dark;--page:#f9fafc;--card:#fff;--ink:#181b20;--soft:#565b64;--line:#dfe1e5;--s0:#8b919c;--s1:#b4450f;--s2:#24619f;--good:#12805c;--bad:#b4372f;--unsure:#8a6100;--good-bg:#e6f4ee;--bad-bg:#fbecea;--unsure-bg:#fbf2dc;--mark:#8250a8;--inverse:#fff}
@media (prefers-color-scheme:dark){:root{--page:#101215;--card:#171a1e;--ink:#eaebee;--soft:#a7abb3;--line:#2e3238;--s0:#7b818c;--s1:#f0935a;--s2:#7db4f5;--good:#4cc495;--bad:#f08a80;--unsure:#dcb24c;--good-bg:#12291f;--bad-bg:#321a18;--unsure-bg:#2e2512;--mark:#c9a0ea;--inverse:#0b1016}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1000px;margin:0 auto;padding:28px 20px 60px}
.brand{display:flex;align-items:center;gap:8px;font-weight:600;margin-bottom:10px}.logo{width:26px;height:26px}.logo .ground{fill:var(--s1)}.logo path{fill:none;stroke:var(--inverse);stroke-width:3;stroke-linecap:round}
header p{margin:2px 0;color:var(--soft)}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:34px 0 10px;padding-bottom:6px;border-bottom:1px solid var(--line)}
h3{font-size:15px;margin:20px 0 8px}
small,.soft{color:var(--soft);font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:12px 0}
.verdict{border-left-width:6px}.verdict strong{display:block;font-size:20px;line-height:1.3;margin-bottom:4px}.verdict p{margin:4px 0}
.better{border-left-color:var(--good);background:var(--good-bg)}.better strong{color:var(--good)}
.worse{border-left-color:var(--bad);background:var(--bad-bg)}.worse strong{color:var(--bad)}
.mixed,.uncertain{border-left-color:var(--unsure);background:var(--unsure-bg)}.mixed strong,.uncertain strong{color:var(--unsure)}
.equal,.unmeasured{border-left-color:var(--s0)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:12px;margin:12px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile b{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px;display:block}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:12px}
.chart{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px}
figcaption{font-weight:600;font-size:13.5px;margin-bottom:4px}
.keys{float:right;font-weight:400;color:var(--soft)}.key{margin-left:12px}.key::before{content:"";display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:middle}.key.s0::before{background:var(--s1)}.key.s1::before{background:var(--s2)}
svg{display:block;width:100%;height:auto;font-size:14px}
svg text{fill:var(--soft)}svg text.strong{fill:var(--ink);font-size:14px;font-weight:600}svg text.inverse{fill:var(--inverse);font-weight:600}
.bars{max-width:760px;min-width:460px}.matrix text{font-size:13px}.matrix{max-width:860px;min-width:600px}.chart{max-width:520px}
.grid{stroke:var(--line)}.curve{fill:none;stroke-width:1.6;stroke-linejoin:round}.curve.s0{stroke:var(--s1)}.curve.s1{stroke:var(--s2)}.dot.s0{fill:var(--s1)}.dot.s1{fill:var(--s2)}
${adapterColours}
.bar.s0{fill:var(--s0)}.bar.s1{fill:var(--s1)}.whisker{stroke:var(--ink);stroke-width:1.6}
.cell{stroke:var(--line);stroke-width:.6}.cell.hit{fill:var(--good)}.cell.miss{fill:var(--bad)}
.scroll{overflow-x:auto;margin:10px 0}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--line);border-radius:10px;font-size:14px}
th,td{padding:7px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}tr:last-child td{border-bottom:0}
th{font-size:12.5px;color:var(--soft);font-weight:600;white-space:nowrap}
td:not(.n){min-width:7em}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.foreign{white-space:pre-wrap;overflow-wrap:anywhere}.mark{color:var(--mark);font-size:.82em;border:1px dotted var(--mark);border-radius:3px;padding:0 2px;margin:0 1px;white-space:nowrap}
.right,.wrong{font-weight:600;font-size:12.5px;white-space:nowrap}.right{color:var(--good)}.wrong{color:var(--bad)}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
ul{padding-left:20px;margin:8px 0}li{margin:4px 0}
footer{margin-top:36px;color:var(--soft);font-size:13px;border-top:1px solid var(--line);padding-top:10px}
.samples td{width:24%}.samples td:first-child{width:28%}
@media (max-width:640px){main{padding:18px 12px 40px}h1{font-size:22px}table{font-size:13px}th,td{padding:6px}th{white-space:normal}td:not(.n){min-width:0}td code{font-size:11px}.samples,.samples tbody,.samples tr,.samples td{display:block;width:100%!important}.samples thead{display:none}.samples td{border:0;padding:4px 10px}.samples td::before{content:attr(data-label);display:block;color:var(--soft);font-size:12px;font-weight:600}.samples tr{border-bottom:1px solid var(--line);padding:6px 0}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--s0:#8b919c;--s1:#b4450f;--s2:#24619f;--good:#0d6b4c;--bad:#a12f28;--unsure:#7a5600;--good-bg:#fff;--bad-bg:#fff;--unsure-bg:#fff;--mark:#6a3d90;--inverse:#fff}body{font-size:11pt}main{max-width:none;padding:0}.card,.chart,.tile,tr,svg{break-inside:avoid}h2,h3{break-after:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}@page{margin:16mm}}
</style>`);
