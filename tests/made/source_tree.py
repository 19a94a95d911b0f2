"""The product's source as modules and what they import, read without running it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cxrcore.config import PROJECT_ROOT


def product_files() -> list[Path]:
    """Every source file of the product, tests left out."""
    folders = [PROJECT_ROOT / name for name in ("cxrcore", "pages", "scripts")]
    found = [PROJECT_ROOT / "app.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]
    return [path for path in found if path.exists()]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in product_files()}


def room_of(name: str) -> str | None:
    """The folder of cxrcore that a module lies in; None for the top of cxrcore and for what is outside."""
    parts = name.split(".")
    return parts[1] if parts[0] == "cxrcore" and len(parts) > 1 and (
        PROJECT_ROOT / "cxrcore" / parts[1]).is_dir() else None


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@cache
def imports(name: str, lazy: bool = True) -> frozenset[str]:
    """What a module imports, as full dotted names of modules where ours; inside functions too if `lazy`."""
    found = set()
    for node in _nodes(tree(name), lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {module for module in inner if module in MODULES} | {node.module}
    return frozenset(found)


def _nodes(node: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if (lazy or not is_function) and not _for_type_checkers(child):
            yield from _nodes(child, lazy)


def _for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def reached(name: str) -> set[str]:
    """All that is imported when a module is, packages that are not ours by their first name."""
    seen, todo = set(), [name]
    while todo:
        for module in imports(todo.pop(), lazy=False):
            parents = [".".join(module.split(".")[: i + 1]) for i in range(module.count(".") + 1)]
            for part in parents if module in MODULES else [module.split(".")[0]]:
                if part not in seen:
                    seen.add(part)
                    todo += [part] if part in MODULES else []
    return seen


def text_of(node: ast.expr) -> str | None:
    """A text written in the source, with {} for what is put in; None for what is worked out elsewhere."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def outside_parentheses(text: str) -> str:
    """A text without what stands in parentheses."""
    depth, kept = 0, []
    for sign in text:
        depth -= sign == ")"
        if depth == 0:
            kept.append(sign)
        depth += sign == "("
    return "".join(kept)
