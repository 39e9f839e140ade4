"""The web page: it needs nothing else, runs nothing, shows the fault in the formula, and a browser sets it right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import DOCUMENTS

import derive
from derive.checking import Checked
from derive.cli import main
from derive.document import DocumentError
from derive.mistakes.table import SIGN, Mistake
from derive.report import html
from derive.source import Span

Golden = Callable[[str, str], None]
FOLDER = DOCUMENTS / "formats"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
VOID = {"meta", "input", "br", "hr", "link", "img"}


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.chdir(FOLDER)
    checked = derive.check(Path("notes.md"))
    checked.statements = [replace(s, mistakes=()) for s in checked.statements]
    return checked


@pytest.fixture
def marked(notes: Checked) -> Checked:
    """With a mistake in the sign of the mean, and one in the whole right side."""
    k = next(k for k, s in enumerate(notes.statements) if s.number == "5.1")
    wrong = notes.statements[k]
    at = wrong.source.text.index(r"\mu", wrong.span.start)
    sign = Mistake(SIGN.code, "the sign of μ is wrong", Span(at, at + 3))
    notes.statements[k] = replace(wrong, mistakes=(sign, Mistake("DRV000", "and all of it", wrong.fault)))
    return notes


class Elements(HTMLParser):
    """Collects a page's elements and checks that each is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_page(marked: Checked, golden: Golden) -> None:
    page = html.render([marked], [DocumentError("gone.md", "there is no such file", "Check the path.")], "0")
    style = re.compile("<style>.*</style>", re.DOTALL)
    golden("notes.html", style.sub("<style>…</style>", page))


def test_the_page_needs_and_runs_nothing(marked: Checked) -> None:
    page = html.render([marked], [], "0")
    elements = Elements(page)
    assert not {tag for tag, _ in elements.found} & {"script", "link", "img", "iframe", "object", "base", "form"}
    for _, attributes in elements.found:
        assert not any(name.startswith("on") or name in ("src", "srcset", "background") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page and "@import" not in page
    policy = next(meta for meta in elements.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert (policy["content"] or "").startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_headings_go_down_one_by_one_and_every_id_is_unique(marked: Checked) -> None:
    elements = Elements(html.render([marked, marked], [], "0"))
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    (skip,) = (a for a in elements.named("a") if a.get("class") == "skip")
    assert (skip["href"] or "").removeprefix("#") in ids


def test_the_innermost_fault_is_marked(marked: Checked) -> None:
    page = html.render([marked], [], "0")
    article = page[page.index('id="d1-s5.1"') :]
    article = article[: article.index("</article>")]
    assert re.findall('<mrow class="marked">(.*?)</mrow>', article) == ["<mi>μ</mi>"]
    assert r"(x_i + <mark>\mu</mark>)" in article
    assert f"<code>{SIGN.code}</code>the sign of μ is wrong" in article


def test_a_long_line_is_cut() -> None:
    text = "word " * 10_000 + "$$y_i = x_i^2$$ $$\\frac{\\partial y_i}{\\partial x_i} = 2$$" + " word" * 10_000
    page = html.render([derive.check(text, kind="md")], [], "0")
    assert 1 < page.count("word") < 400 and "= <mark>2</mark>" in page


def test_several_documents_have_a_list(marked: Checked) -> None:
    page = html.render([marked, marked], [], "0")
    links = [a["href"] for a in Elements(page).named("a") if a.get("class") != "skip"]
    assert links == ["#d1", "#d2"] and 'id="d2"' in page
    assert "<nav" not in html.render([marked], [], "0")


def test_a_mistake_says_where_it_comes_from(marked: Checked) -> None:
    assert SIGN.origin in html.render([marked], [], "0")


def test_without_a_named_mistake_the_whole_right_side_is_hinted_at(notes: Checked) -> None:
    page = html.render([notes], [], "0")
    article = page[page.index('<article class="statement refuted vague" id="d1-s5.1"') :]
    assert article.index('<mrow class="marked">') < article.index("</article>")


def test_hostile_text_stays_text() -> None:
    hostile = "</code></style><script>document.title='owned'</script><img src=x onerror=alert(1)>\u202e"
    text = f"$$a = \\text{{{hostile}}}$$\n\n$$\\frac{{\\partial b}}{{\\partial a}} = \\undefined{hostile}$$\n"
    checked = derive.check(text, kind="md")
    object.__setattr__(checked.document, "path", hostile)
    for page in (html.render([checked], [DocumentError(hostile, hostile, hostile)], hostile), html.fragment(checked)):
        elements = Elements(page)
        assert not elements.named("script") and not elements.named("img")
        assert "\u202e" not in page


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["proved"] * 3, "<b>All 3 claims proved</b>."),
        (["proved"], "<b>The only claim proved</b>."),
        (["proved", "refuted", "tested"], "<b>1 of 3 claims refuted</b>, 1 tested, 1 proved."),
        ([], "Nothing is claimed."),
    ],
)
def test_the_head_says_how_the_claims_came_out(notes: Checked, statuses: list[Any], said: str) -> None:
    statements = [replace(notes.statements[4], status=status) for status in statuses]
    assert said in html.render([replace(notes, statements=statements)], [], "0")


def test_the_terms_table(notes: Checked, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert main(["check", "notes.md", "--terms", "--format", "html", "-o", str(report)]) == 1
    page = report.read_text(encoding="utf-8")
    assert '<th scope="col">largest difference</th>' in page and "<td>through <math>" in page
    Elements(page)


# -- colours ---------------------------------------------------------------------------------------------------------


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the page in the light and in the dark."""
    style = html._style()
    parts = re.findall(r"\{([^{}]*--ink: #[^{}]*)\}", style)[:2]
    light, dark = (re.findall(r"--(\w+): (#\w{6})", part) for part in parts)
    return {"light": dict(light), "dark": {**dict(light), **dict(dark)}}


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(first: str, second: str, share: float) -> str:
    pairs = ((int(first[k : k + 2], 16), int(second[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tone", ["ink", "quiet", "proved", "refuted", "tested", "unsupported", "assumed", "note"])
def test_text_can_be_read(theme: str, tone: str) -> None:
    """A contrast of at least 4.5, also on the tint that a badge and a mark have."""
    palette = palettes()[theme]
    share = {"light": 0.14, "dark": 0.21}[theme]
    grounds = [palette["paper"], palette["card"], palette["sunk"]]
    if tone not in ("ink", "quiet"):
        grounds = [mixed(palette[tone], ground, share) for ground in grounds[:2]]
    for ground in grounds:
        dark, light = sorted((luminance(palette[tone]), luminance(ground)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (tone, ground)


# -- in a browser ----------------------------------------------------------------------------------------------------

PROBE = """
const all = (what) => [...document.querySelectorAll(what)];
const seen = (what) => all(what).filter((e) => e.getClientRects().length).length;
const before = seen('.statement');
const closed = (e) => e.closest('details:not([open])');
const formulas = all('math').every((e) => closed(e) || e.getBoundingClientRect().height > 5);
const stacked = all('mfrac').every((e) => closed(e) ||
  e.children[0].getBoundingClientRect().bottom <= e.children[1].getBoundingClientRect().top + 1);
document.getElementById('show-assumed').click();
const style = getComputedStyle(document.querySelector('.marked'));
const out = document.createElement('pre');
out.id = 'probe';
out.textContent = JSON.stringify({
  title: document.title, before, after: seen('.statement'), assumed: all('.statement.assumed').length,
  formulas, stacked,
  border: style.borderBottomStyle, tinted: style.backgroundColor,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  paper: getComputedStyle(document.body).backgroundColor,
});
document.body.append(out);
"""


def browse(page: str, folder: Path, *options: str) -> str:
    """The page as a browser has it after its scripts ran."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000",
        f"--user-data-dir={folder / 'profile'}", *options, "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    if "<html" not in done.stdout:
        pytest.skip("the browser does not start here")
    return done.stdout


def probed(page: str, folder: Path, *options: str) -> dict[str, Any]:
    """What a script sees in the page, which must be allowed in first."""
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    page = page.replace("</body>", f"<script>{PROBE}</script></body>")
    found = re.search('<pre id="probe">(.*?)</pre>', browse(page, folder, *options))
    assert found is not None
    data: dict[str, Any] = json.loads(unescape(found[1]))
    return data


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_sets_the_page(marked: Checked, tmp_path: Path) -> None:
    page = html.render([marked], [], "0")
    seen = probed(page, tmp_path, "--window-size=1000,800")
    assert seen["title"] == "notes.md: derive"
    assert seen["assumed"] == 3 and seen["after"] == seen["before"] - 3, "the filter hides definitions"
    assert seen["formulas"] and seen["stacked"], "fractions are set as such"
    assert seen["border"] == "solid" and seen["tinted"] != "rgba(0, 0, 0, 0)", "the fault is marked"
    assert seen["wide"] <= 0 and seen["paper"] == "rgb(251, 250, 247)"
    narrow = probed(page, tmp_path, "--window-size=360,800", "--blink-settings=preferredColorScheme=0")
    assert narrow["wide"] <= 0, "a narrow page does not scroll sideways"
    assert narrow["paper"] == "rgb(22, 24, 28)", "dark where the reader wants it dark"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_runs_nothing_in_the_page(marked: Checked, tmp_path: Path) -> None:
    page = html.render([marked], [], "0").replace("</body>", "<script>document.title = 'owned'</script></body>")
    assert "<title>notes.md: derive</title>" in browse(page, tmp_path)
