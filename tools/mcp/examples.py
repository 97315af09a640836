"""Runs programs that users are shown, as they stand: the one of the guide, and the one that users were promised.

Argument: the guide. The program ohfp is looked for on the PATH.
"""

import asyncio
import pathlib
import sys

import mcp


def guide(path):
    """The programs among the blocks of a page."""
    return [block.partition("```")[0] for block in pathlib.Path(path).read_text().split("```python\n")[1:]]


shown = guide(sys.argv[1])
assert shown, "the guide shows no program"
for program in shown:
    exec(compile(program, sys.argv[1], "exec"), {})

# ClientSession takes a pair of streams in every version of the SDK. What it is given here is what Client takes.
mcp.ClientSession = mcp.Client
promised = pathlib.Path(__file__).with_name("promised.py")
names = {}
exec(compile(promised.read_text(), promised, "exec"), names)
asyncio.run(names["use_hostfactory"]())
print("Python SDK:", len(shown) + 1, "programs that users are shown")
