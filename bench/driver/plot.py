"""Bar charts as SVG that reads on light and dark pages."""
from html import escape

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #333 } .bar { fill: #8a9bb0 } .ours { fill: #1f7a6b }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .bar { fill: #66788e } .ours { fill: #35b29c } }
</style>"""


def bars(result):
    heading, form = result["columns"][result["plot"]]
    rows = [(row["label"], row[result["plot"]]) for row in result["rows"] if row[result["plot"]] is not None]
    most = max((value for _, value in rows), default=0) or 1
    label_width = 8 * max((len(label) for label, _ in rows), default=0) + 10
    bar_width, height = 380, 24
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{label_width + bar_width + 110}" height="{height * len(rows) + 34}" role="img">',
             f"<title>{escape(result['title'])}: {escape(heading)}</title>", STYLE, f'<text x="{label_width}" y="18">{escape(heading)}</text>']
    for i, (label, value) in enumerate(rows):
        y = 28 + i * height
        length = max(1.0, bar_width * value / most)
        kind = "bar ours" if label.startswith("tailgate") else "bar"
        parts += [f'<text x="{label_width - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>',
                  f'<rect class="{kind}" x="{label_width}" y="{y}" width="{length:.1f}" height="{height - 6}" rx="2"/>',
                  f'<text x="{label_width + length + 6:.1f}" y="{y + 14}">{escape(form.format(value))}</text>']
    return "\n".join([*parts, "</svg>", ""])
