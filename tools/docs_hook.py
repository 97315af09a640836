"""Makes pages written for the repository pages of the site.

Links to files outside of docs lead to the repository, fences with attributes (sh run, text output) are plain fences, and what a
fence is taken from, or is run without being shown, is left out.
"""

import posixpath
import re

FENCE = re.compile(r"^( *)(```+)(\w+) +(?:run|output|config|templates|file=).*$", re.M)
COMMENT = re.compile(r"^ *<!-- (?:code: .*?|run\n.*?)-->\n", re.M | re.S)
LINK = re.compile(r"(\]\()(\.\.?/[^)\s]+)(\))")


def on_page_markdown(markdown, page, config, files):
    markdown = FENCE.sub(r"\1\2\3", COMMENT.sub("", markdown))
    here = posixpath.dirname("docs/" + page.file.src_uri)

    def outside(found):
        path, _, anchor = found.group(2).partition("#")
        target = posixpath.normpath(posixpath.join(here, path))
        if target.startswith("docs/"):
            return found.group(0)
        url = config["repo_url"] + "/blob/main/" + target
        return found.group(1) + url + ("#" + anchor if anchor else "") + found.group(3)

    return LINK.sub(outside, markdown)
