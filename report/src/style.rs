//! Colours, dashes and the style sheet.
//!
//! Curves differ by colour and by dash, so that no reader depends on colours. The colours
//! are those of Okabe and Ito (2008), which the common colour deficiencies keep apart,
//! darkened for a light ground and lightened for a dark one. Colours are classes and not
//! variables: then an SVG that stands alone needs nothing that a plain renderer lacks.

use std::fmt::Write;

/// The font of everything: what the reader's system has.
pub const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

const DASHES: [&str; 7] = ["none", "9 3", "3 2.5", "11 3 2.5 3", "6 2.5", "7 2.5 2 2.5 2 2.5", "14 4"];

/// Colours on one ground.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    ground: &'static str,
    card: &'static str,
    ink: &'static str,
    soft: &'static str,
    rule: &'static str,
    clean: &'static str,
    flipped: &'static str,
    series: [&'static str; 8],
}

/// Colours on white.
pub const LIGHT: Palette = Palette {
    ground: "#f6f7f9",
    card: "#ffffff",
    ink: "#1b2430",
    soft: "#576271",
    rule: "#d9dee5",
    clean: "#0072b2",
    flipped: "#c95000",
    series: ["#5b6470", "#b07400", "#2b8ec4", "#00865f", "#ac4f88", "#6a3fb5", "#0059a8", "#7a5a00"],
};

/// Colours on near black.
pub const DARK: Palette = Palette {
    ground: "#10151c",
    card: "#19202a",
    ink: "#e8ecf1",
    soft: "#a3afbd",
    rule: "#36414f",
    clean: "#62bdf0",
    flipped: "#ff9650",
    series: ["#b4bfcc", "#f2bb45", "#8ad4ff", "#35d3a2", "#eba3cf", "#b79cff", "#6fa8ff", "#d9c36a"],
};

/// The class that gives the detector at this place its colour.
#[must_use]
pub fn series_class(detector: usize) -> String {
    format!("s{}", detector % LIGHT.series.len())
}

/// The dash pattern of the detector at this place: 56 detectors differ in colour or dash.
#[must_use]
pub fn dash(detector: usize) -> &'static str {
    DASHES[detector % DASHES.len()]
}

/// The classes of a palette, for a page or for an SVG that stands alone.
#[must_use]
pub fn classes(palette: &Palette) -> String {
    let Palette { ground, card, ink, soft, rule, clean, flipped, series } = palette;
    let mut css = format!(
        ".ground{{background:{ground}}}.card{{background:{card};border-color:{rule}}}.paper{{fill:{card}}}\
         .ink{{color:{ink};fill:{ink}}}.soft{{color:{soft};fill:{soft}}}.rule{{stroke:{rule}}}.edge{{border-color:{rule}}}\
         .axis{{stroke:{soft}}}.mark{{stroke:{ink}}}.clean{{color:{clean};fill:{clean}}}\
         .flipped{{color:{flipped};fill:{flipped}}}.to-flipped{{stroke:{flipped}}}.to-clean{{stroke:{clean}}}\
         .dot{{fill:{ink}}}.hollow{{fill:{card};stroke:{ink}}}td,th{{border-color:{rule}}}\
         .best{{background:{ground}}}"
    );
    for (i, colour) in series.iter().enumerate() {
        // Writing into a string cannot fail.
        let _ = write!(css, ".s{i}{{stroke:{colour}}}");
    }
    css
}

/// The page's style sheet. Dark is for screens only: paper is white.
#[must_use]
pub fn sheet() -> String {
    format!(
        ":root{{color-scheme:light dark}}{}@media screen and (prefers-color-scheme:dark){{{}}}body{{font-family:{FONT}}}{LAYOUT}",
        classes(&LIGHT),
        classes(&DARK)
    )
}

const LAYOUT: &str = "
*{box-sizing:border-box}
body{margin:0;font-size:16px;line-height:1.5;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:32px 24px 48px}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .5rem;max-width:34em;text-wrap:balance}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 .35rem}
h3{font-size:.95rem;margin:0;overflow-wrap:anywhere}
p{margin:0 0 .75rem;max-width:72ch}
a{color:inherit}
svg{display:block}
svg text{font-family:inherit}
.brand{font-size:.85rem;letter-spacing:.04em;margin-bottom:.75rem}
.card{border-width:1px;border-style:solid;border-radius:12px;padding:22px 24px;margin:20px 0 0}
.note{font-size:.9rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:20px 0 0}
.figures .card{margin:0;padding:14px 16px}
.figures b{display:block;font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums}
.figures span{font-size:.85rem;line-height:1.35;display:block}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:8px 10px;text-align:right;vertical-align:top;border-width:0 0 1px;border-style:solid}
th{font-size:.85rem;font-weight:600;vertical-align:bottom}
th:first-child,td:first-child{text-align:left}
.detectors td:first-child{width:32%}
td.text,th.text{text-align:left}
tr:last-child td{border-bottom-width:0}
td small{display:block;font-size:.85rem;font-variant-numeric:normal;max-width:36ch}
.wide{overflow-x:auto}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:10px 28px;margin:14px 0 0;font-size:.9rem}
dt{font-weight:600}dd{margin:0}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:20px;margin-top:10px}
.panels svg,.small svg{width:100%;height:auto}
.stream svg{width:100%;height:auto;margin-top:8px}
section>h3{margin:26px 0 4px;font-size:1.05rem}
.panels table+p{margin-top:6px}
.panels.one{max-width:560px}
.legend{list-style:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(225px,1fr));gap:4px 22px;margin:14px 0 0;padding:0;font-size:.9rem}
.legend li{display:grid;grid-template-columns:44px 1fr auto;align-items:center;gap:8px}
.legend b{font-variant-numeric:tabular-nums}
.legend span,.row span{overflow-wrap:anywhere}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:8px 0 0;padding:0;font-size:.9rem}
.key li{display:flex;align-items:center;gap:7px}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));gap:22px 26px;margin-top:16px}
.small header{display:flex;justify-content:space-between;gap:10px;align-items:baseline;margin-bottom:4px}
.small header span{font-size:.85rem;white-space:nowrap;font-variant-numeric:tabular-nums}
.bars{margin-top:14px;font-size:.95rem}
.row{display:grid;grid-template-columns:minmax(90px,190px) minmax(0,1fr) 190px;gap:14px;align-items:center}
.row svg{overflow:visible;width:100%}
.row>:last-child{white-space:nowrap;font-variant-numeric:tabular-nums;font-size:.9rem}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:16px 14px;margin:16px 0 0;padding:0;list-style:none}
.gallery li{font-size:.82rem;line-height:1.35;break-inside:avoid;overflow-wrap:anywhere}
.gallery svg{width:100%;height:auto;max-height:150px;border-width:1px;border-style:solid;border-radius:6px;margin-bottom:5px}
.gallery p{margin:0}
footer{margin-top:22px;font-size:.85rem}
@media(max-width:640px){
body{font-size:15px}
main{padding:20px 12px 32px}
h1{font-size:1.35rem}
.card{padding:16px 14px}
.figures{grid-template-columns:1fr 1fr;gap:10px}
.figures .card{padding:11px 12px}
.figures b{font-size:1.25rem}
.stack thead{display:none}
.stack tr{display:grid;grid-template-columns:1fr 1fr 1fr;gap:6px 10px;padding:12px 6px}
.stack td{border-width:0;padding:0;text-align:left;display:block}
.stack tr+tr td:first-child{border-top-width:1px;padding-top:10px;margin-top:-4px}
.stack td:first-child,.detectors td:first-child{grid-column:1/-1;width:auto}
td small{max-width:none}
.detectors tr{align-items:end}
.panels svg{font-size:15px}
.stack td[data-label]::before{content:attr(data-label);display:block;font-size:.75rem;line-height:1.3;opacity:.75}
.row{grid-template-columns:1fr auto;gap:0 10px;margin-bottom:6px}
.row svg{grid-column:1/-1;grid-row:2}
.row.scale>:empty{display:none}
.gallery{grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:14px 10px}
}
@media print{
body{font-size:9.5pt}
.ground,.best.best{background:none}
h1{font-size:1.5rem}h2{font-size:1.15rem}
.panels{grid-template-columns:1fr 1fr}
.small{grid-template-columns:repeat(3,1fr);gap:14px 20px}
.figures{grid-template-columns:repeat(5,1fr)}
.bars,dl>div{break-inside:avoid}
th,td{padding:5px 8px}
main{max-width:none;padding:0}
.card{border-width:0;padding:0;margin-top:18pt}
.figures .card{border-width:1px;border-style:solid;padding:8pt}
h2,h3{break-after:avoid}
figure,tr,.row,.small>div,.panels>svg{break-inside:avoid}
.gallery{grid-template-columns:repeat(8,1fr)}
.gallery li{font-size:.75rem}
}
";
