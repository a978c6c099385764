"""Which tests assert nothing, and which throw away the answer of a comparison."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_ANSWERS = {
    "all", "allclose", "any", "array_equal", "contains", "endswith", "equals",
    "exists", "holds", "is_close", "is_dir", "is_file", "is_ok", "isclose",
    "isfinite", "issubset", "startswith",
}  # fmt: skip
"""Functions whose answer means something only where it is asserted."""


def assertion_violations(source: str) -> Iterator[str]:
    """What is wrong with the assertions of a file of tests, one line each.

    Every function called ``test_*`` or ``assert_*`` must assert: by a statement that
    can fail, by a call of some ``assert_*``, or by expecting an error (or a warning)
    by class and text. Only the test's own statements count, not those of a function
    that it defines, unless it uses that function.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_violations(node)
        elif isinstance(node, ast.Expr) and _called(node.value) in _ANSWERS:
            yield f"{node.lineno}: the answer of {_called(node.value)} is thrown away"
        elif isinstance(node, ast.Assert) and _cannot_fail(node.test):
            yield f"{node.lineno}: this assertion cannot fail"
        elif isinstance(node, ast.withitem) and _is_error_without_text(node):
            line = node.context_expr.lineno
            yield f"{line}: match the error's text, or assert on it"


def _function_violations(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[str]:
    if not function.name.startswith(("test_", "assert_")):
        return
    if not any(_asserts(node) for node in _own_nodes(function)):
        yield f"{function.lineno}: {function.name} asserts nothing"


def _own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function, without inner functions that it never names."""
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef) and node.name not in used:
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return not _cannot_fail(node.test)
    if isinstance(node, ast.Call):
        return (_called(node) or "").startswith("assert_")
    return isinstance(node, ast.withitem) and _expects_error(node)


def _cannot_fail(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    return isinstance(test, ast.Tuple) and bool(test.elts)


def _expects_error(item: ast.withitem) -> bool:
    return _called(item.context_expr) in {"raises", "warns"}


def _is_error_without_text(item: ast.withitem) -> bool:
    call = item.context_expr
    if not (isinstance(call, ast.Call) and _expects_error(item)):
        return False
    matched = any(keyword.arg == "match" for keyword in call.keywords)
    return not matched and item.optional_vars is None


def _called(node: ast.AST) -> str | None:
    """The last name of what is called: ``allclose`` for ``np.allclose(a, b)``."""
    if not isinstance(node, ast.Call):
        return None
    return ast.unparse(node.func).rpartition(".")[2]
