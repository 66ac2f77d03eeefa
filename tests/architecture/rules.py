"""What each part of `rp` may import and touch, and how a file is held against it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
# Programs that run on pods: sent there as text, imported by nobody.
ON_THE_POD = "health/probe/"
ANY = (
    "context", "demo", "documents", "domain", "editor", "errors", "files", "health", "notify", "operations", "output",
    "paths", "registry", "remote", "runpod", "state", "threads",
)  # fmt: skip

# part → what it may import of rp, itself aside. `a.b` is that module alone.
LAYERS: dict[str, tuple[str, ...]] = {
    "__init__": (),
    "__main__": ("cli",),
    "errors": (),
    "paths": (),
    "files": ("errors",),
    "threads": (),
    "documents": ("domain", "errors"),
    "editor": ("errors",),
    "domain": ("errors",),
    "health": ("domain", "errors"),
    "operations": ("domain", "errors", "health"),
    "registry": ("domain", "errors"),
    "runpod": ("domain", "errors"),
    "notify": ("domain",),
    "remote": ("domain", "errors", "files", "paths"),
    "state": ("domain", "errors", "files", "paths"),
    "output": ("domain", "errors", "operations.events", "operations.results"),
    "demo": ("errors",),
    "context": tuple(part for part in ANY if part not in ("context", "demo")),
    "cli": ("context", "demo", "domain", "errors", "operations", "output", "paths"),
}

# (file or folder, third-party package that it may import)
THIRD_PARTY = (
    ("cli/completion.py", "argcomplete"),
    ("registry/", "httpx2"),
    ("runpod/", "httpx2"),
    ("documents.py", "httpx2"),
    ("notify/", "apprise"),
    ("output/", "rich"),
    ("state/credentials.py", "keyring"),
)

# The simulator is a second program; only these start it, and only when asked to.
MAY_START_SIMULATOR = ("cli/sim.py", "cli/demo.py")

# name, or all names below it → the files and folders that may use it
TOUCHES: dict[str, tuple[str, ...]] = {
    "os.environ": ("cli/main.py", "cli/options.py", "context.py"),
    "os.getenv": ("cli/main.py", "context.py"),
    "time": ("context.py", "files.py", "remote/ssh.py"),
    "datetime.datetime.now": ("context.py",),
    "datetime.datetime.utcnow": ("context.py",),
    "datetime.datetime.today": ("context.py",),
    "datetime.date.today": ("context.py",),
    "sys.exit": ("__main__.py", "cli/main.py"),
    "sys.stdin": ("cli/main.py",),
    "sys.stdout": ("cli/main.py", "cli/options.py"),
    "sys.stderr": ("cli/main.py",),
    "print": ("output/", "cli/main.py"),
    "input": (),
    "breakpoint": (),
    "exit": (),
    "random": (),
    "importlib.import_module": ("cli/main.py",),
    "__import__": (),
    "eval": (),
    "exec": (),
    "socket": ("remote/",),
    "sqlite3": ("state/",),
    "fcntl": ("files.py", "state/"),
    "tempfile": ("remote/", "editor.py", "cli/demo.py", "demo/"),
    "getpass": ("output/",),
    "signal": ("cli/", "demo/"),
}

Imported = tuple[int, str, bool]


def imports(tree: ast.Module, module: str) -> Iterator[Imported]:
    """(line, dotted name, whether it is not loaded with the module) of each import; `from a import b` is `a.b`."""
    inside = {id(node) for later in ast.walk(tree) if _runs_later(later) for node in ast.walk(later)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*package, *filter(None, [node.module])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}", id(node) in inside


def _runs_later(node: ast.AST) -> bool:
    """Whether an import inside `node` costs nothing when the module is loaded."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def import_problems(relative: str, source: str) -> list[str]:
    """What the file `relative` of src/rp imports and must not."""
    module = "rp." + relative.removesuffix(".py").replace("/", ".")
    part = module.split(".")[1]
    may = LAYERS[part]
    found = []
    for line, name, is_lazy in imports(ast.parse(source), module):
        where = f"src/rp/{relative}:{line} imports {name}"
        root, _, rest = name.partition(".")
        if root == "rp":
            if rest != "__version__" and not _is_below(rest, (part, *may)):
                found.append(f"{where}: {part} may import {sorted(may)}")
        elif root == "rp_sim":
            if relative not in MAY_START_SIMULATOR or not is_lazy:
                found.append(f"{where}: only {MAY_START_SIMULATOR} may, inside a function or for types")
        elif root not in sys.stdlib_module_names and (root not in _third_party(relative)):
            found.append(f"{where}: {relative} may import {_third_party(relative)} of others")
    return found


def _third_party(relative: str) -> list[str]:
    return [package for place, package in THIRD_PARTY if relative.startswith(place)]


def _is_below(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def simulator_import_problems(relative: str, source: str) -> list[str]:
    module = "rp_sim." + relative.removesuffix(".py").replace("/", ".")
    return [
        f"src/rp_sim/{relative}:{line} imports {name}: two readings of the API must not share code"
        for line, name, _ in imports(ast.parse(source), module)
        if name.split(".")[0] == "rp"
    ]


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that is used, with import aliases spelled out."""
    known: dict[str, str] = {}
    for line, name, _ in imports(tree, "rp"):
        yield line, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
            root, dot, rest = dotted.partition(".")
            yield node.lineno, known.get(root, root) + dot + rest


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return None


def touch_problems(relative: str, source: str) -> list[str]:
    """What the file `relative` of src/rp uses and must not: clock, environment, streams, sockets, …"""
    tree = ast.parse(source)
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)}
    found = []
    for line, name in uses(tree):
        for what, places in TOUCHES.items():
            is_used = name == what or name.startswith(f"{what}.")
            if is_used and name.split(".")[0] not in bound and not relative.startswith(places):
                found.append(f"src/rp/{relative}:{line} uses {name}: only {list(places)} may")
    return list(dict.fromkeys(found))


def size_problems(relative: str, source: str, *, longest_function: int = 40, longest_file: int = 350) -> list[str]:
    lines = source.count("\n")
    found = [f"src/{relative} has {lines} lines, at most {longest_file}"] if lines > longest_file else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = (node.end_lineno or 0) - first[0].lineno + 1 if first else 0
            if length > longest_function:
                what = f"src/{relative}:{node.lineno} {node.name}"
                found.append(f"{what} has {length} lines in its body, at most {longest_function}")
    return found
