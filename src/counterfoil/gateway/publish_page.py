"""A checkpoint as a page to print, hang up and hand out: one file, black on white, one sheet of A4, no script."""

from __future__ import annotations

from typing import Final

import segno
from jinja2 import Environment, StrictUndefined

from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.instant import MONTHS, instant_text
from counterfoil.proof.trust import Judgement

GROUP: Final = 4
GROUPS_A_LINE: Final = 8
PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkpoint of {{ origin }} at {{ size }} entries</title>
<style>
@page { size: A4; margin: 18mm }
:root { color-scheme: light }
body { font: 10.5pt/1.35 system-ui, sans-serif; color: #000; background: #fff; max-width: 174mm; margin: 1rem auto;
  padding: 0 1rem }
@media print { body { margin: 0; padding: 0 } }
h1 { font-size: 20pt; line-height: 1.2; margin: 0 0 4mm; overflow-wrap: anywhere }
h2 { font-size: 13pt; margin: 5mm 0 1mm }
p, ol, ul { margin: 0 0 2mm }
ol, ul { padding-left: 6mm }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 5mm; margin: 0 }
dt { font-weight: 600 }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
code { font: 10.5pt/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.root { font-size: 13pt; word-spacing: .3em }
.slip { display: flex; flex-wrap: wrap; gap: 6mm; align-items: flex-start }
.slip > div { flex: 1 1 95mm }
.slip > figure { margin: 0; padding-left: 6mm; border-left: 1px dashed #000; flex: none; width: 50mm }
figure svg { width: 44mm; height: 44mm; display: block }
figcaption { font-size: 9pt; line-height: 1.3; margin-top: 1mm }
</style>
</head>
<body>
<h1>Checkpoint{% if origin|length <= 80 %} of {{ origin }}{% endif %}</h1>
<div class="slip">
<div>
<p>On {{ when }} this log had {{ size }} entries, and the root below. Whoever holds this sheet can tell
later whether any of these entries was changed, removed or put in between.</p>
<dl>
<dt>Log</dt><dd>{{ origin }}</dd>
<dt>Size</dt><dd>{{ size }} entries</dd>
<dt>Time</dt><dd>{{ time }}</dd>
</dl>
<h2>Root</h2>
<p class="root"><code>{% for line in root %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</code></p>
<p>SHA-256, hexadecimal. In base64, as the checkpoint has it: <code>{{ base64 }}</code></p>
</div>
<figure>{{ qr|safe }}<figcaption>The three lines of the checkpoint: log, size, root.</figcaption></figure>
</div>
<h2>Who has signed</h2>
<ul>
{% for signer in signers %}<li>{{ signer }}</li>
{% endfor %}</ul>
<h2>How to check it</h2>
<ol>
<li>Get the trust policy, which says whose signatures count, from whoever keeps the log. The file
<code>checkpoint-{{ plain_size }}.txt</code> is this checkpoint with its signatures.</li>
<li>With the log at hand: <code>counterfoil publish --check FOLDER</code> compares the files of such
checkpoints with the log as it is now.</li>
<li>From anywhere else: <code>counterfoil monitor URL --state FOLDER --trust trust.json</code> keeps what the log shows
and tells when it is not the same log any more. Any tool for C2SP transparency logs can do likewise.</li>
<li>By eye: read the root aloud, group by group, against another copy of this sheet. One other digit is another
log.</li>
</ol>
<p>It shows that the entries are the same, not that what they say is true.</p>
</body>
</html>
"""
NARROW: Final = "\u202f"
"""Between groups of three digits."""


def checkpoint_page(judged: Judgement) -> str:
    """The page of a signed checkpoint, judged by its log's trust policy; HTML."""
    checkpoint = judged.signed.checkpoint
    own = [line.time for line in judged.signed.lines if line.time and line.key.name == checkpoint.origin]
    digits = checkpoint.root.hex()
    groups = [digits[at : at + GROUP] for at in range(0, len(digits), GROUP)]
    starts = range(0, len(groups), GROUPS_A_LINE)
    time = instant_text(max(own)) if own else None
    return _TEMPLATE.render(
        origin=checkpoint.origin,
        size=f"{checkpoint.size:,}".replace(",", NARROW),
        plain_size=checkpoint.size,
        when=_day(time) if time else "a day that is not stated",
        time=time or "not stated",
        root=[" ".join(groups[start : start + GROUPS_A_LINE]) for start in starts],
        base64=checkpoint.text.split("\n")[2],
        qr=_qr(checkpoint),
        signers=list(_signers(judged)),
    )


def _qr(checkpoint: Checkpoint) -> str:
    """The checkpoint's text as a QR code: an SVG image that scales."""
    code = segno.make(checkpoint.text, micro=False, error="m", encoding="utf-8")
    return code.svg_inline(omitsize=True, border=2, title="QR code of the checkpoint's text")


def _signers(judged: Judgement) -> list[str]:
    found = []
    for kind, signers in (("agency", judged.agencies), ("witness", judged.witnesses)):
        for signer in signers:
            used = " and ".join((*signer.algorithms, *signer.uncounted))
            found.append(f"{signer.name} ({kind}), by {used}" if used else f"{signer.name} ({kind}): not yet")
    if not judged.witnessed:
        found.append("No witness elsewhere has cosigned it.")
    return found


def _day(time: str) -> str:
    """A day as people write it, from a time as RFC 3339 has it."""
    year, month, day = time[:10].split("-")
    return f"{int(day)} {MONTHS[int(month) - 1]} {year}, {time[11:16]} UTC"


_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
