"""An animation as one page that opens offline: pictures, a slider, and figures."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape

from stackelberg.report.gif import Frame, gif


def film_page(
    frames: Sequence[Frame],
    captions: Sequence[str],
    *,
    title: str,
    seconds_per_frame: float,
) -> str:
    """A page that shows `frames` one after the other, each with its caption.

    It plays by itself, can be halted, and any frame can be looked at. It needs nothing
    from elsewhere.

    Args:
        frames: RGB pictures of one size [H, W, 3], at least one.
        captions: one a frame, plain text.
        title: plain text.
        seconds_per_frame: at least 0.02.
    """
    height, width = frames[0].shape[:2]
    pictures = [base64.b64encode(gif([frame])).decode() for frame in frames]
    # "<" must not end the script, whatever a caption holds.
    data = json.dumps({"pictures": pictures, "captions": list(captions)})
    return _PAGE.format(
        title=escape(title),
        width=width,
        height=height,
        last=len(frames) - 1,
        pause=max(round(1000.0 * seconds_per_frame), 20),
        data=data.replace("<", "\\u003c"),
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ margin: 1.5rem auto; padding: 0 1rem; max-width: {width}px; }}
img {{ width: 100%; height: auto; display: block; }}
input {{ width: 100%; }}
button {{ font: inherit; padding: 0.25rem 1rem; }}
output {{ display: block; min-height: 3em; font-variant-numeric: tabular-nums; }}
</style>
<h1>{title}</h1>
<img id="picture" width="{width}" height="{height}" alt="The cell in this slot">
<input id="slot" type="range" min="0" max="{last}" value="0" aria-label="Slot">
<button id="play" type="button">Halt</button>
<output id="caption" for="slot"></output>
<script id="film" type="application/json">{data}</script>
<script>
const film = JSON.parse(document.getElementById("film").textContent);
const [picture, slot, play, caption] = ["picture", "slot", "play", "caption"].map(
  (name) => document.getElementById(name));
function show() {{
  picture.src = "data:image/gif;base64," + film.pictures[slot.value];
  caption.textContent = film.captions[slot.value];
}}
function next() {{
  slot.value = (Number(slot.value) + 1) % film.pictures.length;
  show();
}}
let timer = null;
function run(on) {{
  clearInterval(timer);
  timer = on ? setInterval(next, {pause}) : null;
  play.textContent = on ? "Halt" : "Play";
}}
play.onclick = () => run(timer === null);
slot.oninput = () => {{ run(false); show(); }};
show();
run(!matchMedia("(prefers-reduced-motion: reduce)").matches);
</script>
</html>
"""
