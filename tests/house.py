"""What the sources say of themselves: who imports whom, uses whose privates, and calls which kernel."""

import ast
import functools
import graphlib
from pathlib import Path

__all__ = [
    "FLOORS",
    "PACKAGE",
    "ROOT",
    "circle_in",
    "code_in",
    "computed_imports",
    "foreign_privates",
    "imports_of",
    "imports_upward",
    "kernels_called",
    "kernels_of_one_level",
    "modules_of",
    "parsed",
    "privates_by_room",
    "room_of",
]

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "fastlr"

# A module imports from its own package or from a room of a strictly lower number. The front, `fastlr`
# itself, opens on all that users call; only what has a higher number may import from it.
FLOORS = {
    "_convergence": -2,
    "errors": -1,
    "_kernels": 0,
    "reference": 0,
    "storage": 0,
    "typesetting": 0,
    "input": 1,
    "inference": 2,
    "plot": 2,
    "results": 3,
    "moments": 3,
    "least_squares": 4,
    "diagnostics": 5,
    "penalised": 5,
    "many": 5,
    "descent": 5,
    "networks": 6,
    "estimators": 7,
    "files": 6,
    "fastlr": 6,
    "bench": 7,
    "report": 7,
    "streams": 7,
    "loading": 7,
    "cli": 8,
    "distributed": 8,
    "dask": 9,
    "spark": 9,
}

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = FUNCTIONS | ast.ClassDef
IMPORTERS = {"import_module", "__import__"}
ATTRIBUTE_FUNCTIONS = {"getattr", "setattr", "delattr", "hasattr", "attrgetter", "methodcaller"}
# Underscored, but public.
OF_NAMED_TUPLES = {"_asdict", "_field_defaults", "_fields", "_make", "_replace"}


@functools.cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes_in(path):
    """All nodes of a file, which every rule looks through."""
    return tuple(ast.walk(parsed(path)))


def modules_of(package):
    """Every module below a package, by its dotted name."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def room_of(module):
    """The first name below `fastlr`: fastlr.cli.fit -> cli; the front is `fastlr`."""
    return (module.split(".")[1:] or ["fastlr"])[0]


def is_for_types_alone(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def nodes_that_run(tree):
    """All nodes of a file but those that only type checkers read."""
    waiting = [tree]
    while waiting:  # each node once
        node = waiting.pop()
        yield node
        for child in ast.iter_child_nodes(node):
            waiting += child.orelse if is_for_types_alone(child) else [child]


def name_called(node):
    """The last name of what a call calls: import_module for importlib.import_module("x")."""
    called = node.func
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def texts_in(node):
    """The constant strings that a call is given."""
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [arg.value for arg in given if isinstance(arg, ast.Constant) and type(arg.value) is str]


def imports_of(module, modules, *, with_types=True):
    """(module, name) for every import from `fastlr`, wherever it stands; no name for a module."""
    path = modules[module]
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in nodes_in(path) if with_types else nodes_that_run(parsed(path)):
        if isinstance(node, ast.Import):
            found = [(alias.name.split("."), None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            found = [(base, alias.name) for alias in node.names]
        elif isinstance(node, ast.Call) and name_called(node) in IMPORTERS:
            found = [(text.split("."), None) for text in texts_in(node)[:1]]
        else:
            continue
        for parts, name in found:
            if parts[0] != "fastlr":
                continue
            dotted = ".".join(parts)
            whole = f"{dotted}.{name}"
            yield (whole, None) if whole in modules else (dotted, name)


def computed_imports(tree):
    """Imports whose module is known only when they run, so that no rule can judge them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_called(node) in IMPORTERS and not texts_in(node):
            yield ast.unparse(node)


def imports_upward(module, modules):
    """Other rooms that a module imports from although their numbers are not lower."""
    room = room_of(module)
    for other, _ in imports_of(module, modules):
        below = room_of(other) if room_of(other) in FLOORS else "fastlr"
        if below != room and FLOORS[below] >= FLOORS[room]:
            yield below


def circle_in(room, modules):
    """Modules of one package that import one another in a circle, at import time or when called; else nothing."""
    own = [module for module in modules if room_of(module) == room]
    graph = {
        module: {other for other, _ in imports_of(module, modules, with_types=False)} - {module}
        for module in own
    }
    graph = {module: others.intersection(own) for module, others in graph.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def is_private(name):
    return name.startswith("_") and not name.startswith("__") and name not in OF_NAMED_TUPLES


def privates_by_room(modules):
    """Private functions, methods, fields and attributes that the modules of each room define."""
    privates = {room_of(module): set() for module in modules}
    for module, path in modules.items():
        for node in nodes_in(path):
            if isinstance(node, DEFINITIONS):
                name = node.name
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                name = node.id if isinstance(node, ast.Name) else node.attr
            else:
                continue
            if is_private(name):
                privates[room_of(module)].add(name)
    return privates


@functools.cache
def classes_in(path):
    return frozenset(node.name for node in nodes_in(path) if isinstance(node, ast.ClassDef))


def classes_of(room, modules):
    """The classes that the modules of a room define."""
    own = (classes_in(path) for module, path in modules.items() if room_of(module) == room)
    return set().union(*own)


def names_of_own(path, classes):
    """Names in a file that stand for some of these classes, or are annotated as their objects."""
    names = {"self", "cls", *classes}
    for node in nodes_in(path):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            annotation = node.annotation
            if isinstance(annotation, ast.Constant):
                annotation = ast.parse(annotation.value, mode="eval")
            mentioned = {part.id for part in ast.walk(annotation) if isinstance(part, ast.Name)}
            name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            if mentioned & classes:
                names.add(name)
        elif isinstance(node, ast.Call) and name_called(node) == "isinstance":
            of = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
            if of & classes:
                names.add(ast.unparse(node.args[0]))
    return names


def attributes_asked_for(path):
    """(object, name) of every attribute that a file reads or sets, by a dot or by its name in a string."""
    for node in nodes_in(path):
        if isinstance(node, ast.Attribute):
            yield node.value, node.attr
        elif isinstance(node, ast.Call) and name_called(node) in ATTRIBUTE_FUNCTIONS:
            for text in texts_in(node):
                yield node.args[0], text


def foreign_privates(module, modules, privates):
    """Private modules and names of other rooms that a module imports or reads.

    A private name that both rooms define is the own one only of an object that is known to be: self, an own class, or
    what is annotated, or asked by isinstance, as one.
    """
    room = room_of(module)
    for other, name in imports_of(module, modules):
        if room_of(other) != room:
            yield from filter(is_private, [*other.split(".")[2:], *([name] if name else [])])
    elsewhere = set().union(*(names for other, names in privates.items() if other != room))
    own = names_of_own(modules[module], classes_of(room, modules))
    for of, name in attributes_asked_for(modules[module]):
        if not is_private(name) or name not in elsewhere:
            continue
        while isinstance(
            of, ast.BinOp
        ):  # each step goes into an operand: a + b is of the kind of a
            of = of.left
        if name not in privates[room] or ast.unparse(of) not in own:
            yield name


def code_in(tree):
    """What a package's front has besides its docstring, imports by name and a literal `__all__`."""
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_import = isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and all(alias.name != "*" for alias in node.names)
        )
        is_list = (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "__all__"
            and isinstance(node.value, ast.List)
            and all(isinstance(name, ast.Constant) for name in node.value.elts)
        )
        if not (is_docstring or is_import or is_list):
            yield ast.unparse(node)


def has_kernels(function):
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return any(argument.arg == "kernels" for argument in given)


def kernels_called(tree):
    """Kernels that the tests of a file call, or functions that its tests use, on kernels that they were given."""
    functions = {node.name: node for node in tree.body if isinstance(node, FUNCTIONS)}
    waiting = [name for name in functions if name.startswith("test_")]
    reached, called = set(waiting), set()
    while waiting:  # each function once
        function = functions[waiting.pop()]
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in functions.keys() - reached:
                reached.add(node.id)
                waiting.append(node.id)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_kernel = getattr(node.func.value, "id", "") == "kernels"
                if is_kernel and has_kernels(function):
                    called.add(node.func.attr)
    return called


def kernels_of_one_level(tree):
    """Imports of the chosen level's kernels alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastlr._kernels"):
            yield from (ast.unparse(node) for alias in node.names if alias.name == "kernels")
