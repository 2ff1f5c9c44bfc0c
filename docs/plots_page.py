"""Puts together .dvc/plots/page.html, the page that `dvc plots` and `prunelab report` fill: it works without network.

    npm pack vega@5.20.2 vega-lite@5.2.0 vega-embed@6.18.2      # the versions that DVC's own page loads; unpack them
    python docs/plots_page.py vega/ vega-lite/ vega-embed/      # the unpacked folders

DVC replaces `{refresh_tag}` and `{plot_divs}`; `{scripts}`, which would load Vega from the network, is left out.
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / ".dvc" / "plots" / "page.html"
STYLE = """
body { font-family: system-ui, sans-serif; color: #222; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
img, svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; border-spacing: 0; }
td, th { padding: .2rem .7rem; vertical-align: top; text-align: left; }
.vega-embed { margin: 1.5rem 0; max-width: 100%; overflow-x: auto; }
.vega-embed svg, .vega-embed canvas { max-width: none; }
"""


def main(folders: list[str]) -> None:
    """Write the page."""
    scripts, licences = [], []
    for folder in map(Path, folders):
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        name = f"{package['name']} {package['version']}"
        licences.append(f"{name}\n\n{(folder / 'LICENSE').read_text(encoding='utf-8').strip()}")
        code = (folder / "build" / f"{package['name']}.min.js").read_text(encoding="utf-8").strip()
        # Its map is not here, and a browser that looks for it reports an error.
        lines = [line for line in code.splitlines() if not line.startswith("//# sourceMappingURL")]
        scripts.append(f"<script>{chr(10).join(lines)}</script>")
    code = "\n".join(scripts)
    assert not [part for part in ("{scripts}", "{plot_divs}", "{refresh_tag}") if part in code]
    made = "Made by docs/plots_page.py. It contains, unmodified but for the pointers to source maps:"
    licence = "\n\n".join([made, *licences])
    head = f'<meta charset="utf-8">\n{{refresh_tag}}\n<title>prunelab</title>\n<!--\n{licence}\n-->\n{code}'
    page = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n<style>{STYLE}</style>\n</head>\n'
    PAGE.write_text(f"{page}<body>\n{{plot_divs}}\n</body>\n</html>\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
