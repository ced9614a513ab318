//! What the HTML pages have in common.

/// The look of the pages.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;\
padding:0 1rem;color:#1d2330;background:#fff}h1{font-size:1.7rem}h2{margin-top:2.2rem;\
font-size:1.2rem}table{border-collapse:collapse}td,th{padding:.3rem .9rem .3rem 0;\
border-bottom:1px solid #e4e7ee;text-align:left}td.n{text-align:right;\
font-variant-numeric:tabular-nums}.note{color:#5b6475}svg{max-width:100%;height:auto}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}";

/// A page's beginning: all before its body, and the title as its heading.
pub(crate) fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1>"
    )
}

/// Text as it may stand between tags.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
