"""What keeps a compiled kernel's bits the same, however it came to be loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import imports, module_name, modules


def _decorator(function: ast.FunctionDef) -> str:
    """The `njit(...)` above a function, or nothing."""
    found = [ast.unparse(d) for d in function.decorator_list]
    return next((text for text in found if text.startswith("njit")), "")


def _kernels() -> dict[str, dict[str, ast.FunctionDef]]:
    """Compiled functions by module and name."""
    found: dict[str, dict[str, ast.FunctionDef]] = {}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[module_name(path)] = {
            node.name: node
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and _decorator(node)
        }
    return found


def _called() -> Iterator[ast.FunctionDef]:
    """Kernels that another kernel calls, its module's own or one it imports."""
    kernels = _kernels()
    for path in modules():
        module = module_name(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = dict(kernels[module])
        for imported in imports(tree, module):
            source, _, name = imported.module.rpartition(".")
            if name in kernels.get(source, {}):
                known[name] = kernels[source][name]
        for kernel in kernels[module].values():
            for node in ast.walk(kernel):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Name) and called.id in known:
                    yield known[called.id]


def test_kernels_that_reorder_sums_are_inlined_where_other_kernels_call_them() -> None:
    """Else a caller meets the callee's own code when both were just compiled, and a
    copy optimised with the caller when it comes from the cache: other sums, other bits.
    """
    reordering = [k for k in _called() if "fastmath" in _decorator(k)]
    assert len(reordering) >= 30
    apart = {k.name for k in reordering if "forceinline=True" not in _decorator(k)}
    assert apart == set()
