"""Requests machines, follows the request and returns them, through the Python SDK of the Model Context Protocol.

Arguments: the address of a server over HTTP, or the command line of one over standard input and output.
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters


def answer(result):
    assert not result.is_error, result
    return result.structured_content


async def main(words):
    server = words[0] if words[0].startswith("http") else StdioServerParameters(
        command=words[0], args=words[1:], env=dict(os.environ)
    )
    async with Client(server) as client:
        tools = await client.list_tools()
        assert {"request_machines", "get_request_status", "return_machines"} <= {t.name for t in tools.tools}
        result = answer(await client.call_tool("request_machines", {"template_id": "EC2FleetInstant", "count": 3}))
        request = result["requestId"]
        status = answer(await client.call_tool("get_request_status", {"request_id": request, "wait_seconds": 120}))
        (followed,) = status["requests"]
        assert followed["status"] == "complete" and len(followed["machines"]) == 3, followed
        resources = await client.read_resource("requests://" + request)
        assert request in resources.contents[0].text
        plan = answer(await client.call_tool("return_machines", {"request_id": request}))
        assert len(plan["plan"]["machineIds"]) == 3, plan
        back = answer(await client.call_tool(
            "return_machines", {"request_id": request, "confirm": plan["confirm"]}
        ))
        ended = answer(await client.call_tool("get_request_status", {"request_id": back["requestId"], "wait_seconds": 120}))
        assert ended["requests"][0]["status"] == "complete", ended
        wrong = await client.call_tool("get_template", {"template_id": "none"})
        assert wrong.is_error and "(not_found)" in wrong.content[0].text, wrong
    print("Python SDK: 3 machines requested, followed and returned through", words[0])


asyncio.run(main(sys.argv[1:]))
