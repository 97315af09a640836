"""Requests machines, follows the request and returns them, through the command line of the protocol's inspector.

Arguments: the inspector, then the address of a server over HTTP, or the command line of one over standard input and output.
"""

import json
import subprocess
import sys

inspector, server = sys.argv[1], sys.argv[2:]
if server[0].startswith("http"):
    server += ["--transport", "http"]


def inspect(*words):
    done = subprocess.run([inspector, "--cli", *server, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return json.loads(done.stdout)


def call(tool, **arguments):
    words = ["--method", "tools/call", "--tool-name", tool]
    for name, value in arguments.items():
        words += ["--tool-arg", f"{name}={json.dumps(value) if not isinstance(value, str) else value}"]
    result = inspect(*words)
    assert not result.get("isError"), result
    return result["structuredContent"]


assert len(inspect("--method", "tools/list")["tools"]) > 30
assert len(inspect("--method", "resources/list")["resources"]) == 4
request = call("request_machines", template_id="EC2FleetInstant", count=3)["requestId"]
followed = call("get_request_status", request_id=request, wait_seconds=120)["requests"][0]
assert followed["status"] == "complete" and len(followed["machines"]) == 3, followed
answered = call("return_machines", request_id=request)
if "confirm" in answered:
    answered = call("return_machines", request_id=request, confirm=answered["confirm"])
assert answered["requestId"].startswith("ret-"), answered
print("inspector: 3 machines requested, followed and returned through", server[0])
