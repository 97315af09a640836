"""Renders templates.json with Jinja2 3.1.6 and StrictUndefined and writes rendered.json, which the tests compare with."""

import json
import pathlib

import jinja2

HERE = pathlib.Path(__file__).parent
environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
environment.filters["b64encode"] = lambda text: __import__("base64").b64encode(str(text).encode()).decode()
variables = json.loads((HERE / "variables.json").read_text())
rendered = []
for template in json.loads((HERE / "templates.json").read_text()):
    try:
        rendered.append({"template": template, "want": environment.from_string(template).render(variables)})
    except Exception:
        rendered.append({"template": template, "fails": True})
(HERE / "rendered.json").write_text(json.dumps(rendered, indent=1) + "\n")
