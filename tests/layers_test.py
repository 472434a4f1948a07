#!/usr/bin/env python3
"""Fails when a folder includes what it may not know, or when folders include each other in a circle."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folder: the folders whose headers its sources may include, besides its own. docs/architecture.md draws it.
MAY_INCLUDE = {
    "base": set(),
    "limits": {"base"},
    "cursors": {"base"},
    "streams": {"base", "limits", "cursors"},
    "web": {"base"},
    "server/net": {"base", "limits"},
    "server/http": {"base", "limits", "server/net"},
    "server/auth": {"base"},
    "server/handlers": {"base", "limits", "cursors", "streams", "web", "server/http", "server/auth"},
    "server": {"base", "limits", "cursors", "streams", "web", "server/net", "server/http", "server/auth", "server/handlers"},
}
# The protocol libraries that a folder is the only one to know.
BELONGS_TO = {
    "librdkafka": {"streams"},
    "nghttp2": {"server/http"},
    "hiredis": {"base"},
    "openssl": {"base", "server/net", "server/auth"},  # base: the link to Redis
}


def folder_of(path):
    """The layer that a file or an include belongs to; empty for what is none of ours."""
    parts = path.split("/")
    two = "/".join(parts[:2])
    return two if two in MAY_INCLUDE and len(parts) > 2 else parts[0] if parts[0] in MAY_INCLUDE else ""


def includes(source):
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if found := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line):
            yield number, found.group(1) == '"', found.group(2)


def check(sources):
    """Complaints, and which folder includes which."""
    complaints, edges = [], {folder: set() for folder in MAY_INCLUDE}
    for source in sources:
        name = source.relative_to(ROOT).as_posix()
        folder = folder_of(name)
        for number, is_ours, included in includes(source):
            where = f"{name}:{number}: {included}"
            target = folder_of(included)
            if is_ours and not target and not name.endswith(("_test.cpp", "_fuzz.cpp")):
                complaints.append(f"{where}: not a path from the root of the repository")
            elif is_ours and target and target != folder:
                edges[folder].add(target)
                if target not in MAY_INCLUDE[folder]:
                    complaints.append(f"{where}: {folder} must not know {target}")
            owners = BELONGS_TO.get(included.split("/")[0])
            if not is_ours and owners and folder not in owners and not name.endswith("_test.cpp"):
                complaints.append(f"{where}: only {', '.join(sorted(owners))} may know it")
    return complaints, edges


def cycle(edges):
    """A circle of folders, or nothing."""
    def walk(folder, path):
        if folder in path:
            return path[path.index(folder):] + [folder]
        return next(filter(None, (walk(target, path + [folder]) for target in sorted(edges[folder]))), None)
    return next(filter(None, (walk(folder, []) for folder in edges)), None)


def main():
    sources = [path for top in ("base", "limits", "cursors", "streams", "web", "server")
               for path in sorted((ROOT / top).rglob("*")) if path.suffix in (".h", ".cpp")]
    complaints, edges = check(sources)
    if circle := cycle(edges):
        complaints.append("a circle: " + " -> ".join(circle))
    if not sources:
        complaints.append("no sources found")
    print("\n".join(complaints) or f"{len(sources)} files in {len(MAY_INCLUDE)} folders include only what they may")
    return 1 if complaints else 0


sys.exit(main())
