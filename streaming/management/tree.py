"""A tree of lines, drawn as in the specification where it is piped, by rich on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.markup import escape
from rich.tree import Tree


@dataclass(frozen=True)
class Node:
    line: str
    children: list[Node] = field(default_factory=list)


def as_text(node: Node) -> Iterator[str]:
    yield node.line
    for child in node.children:
        last = child is node.children[-1]
        first, *rest = as_text(child)
        yield f"{'└─' if last else '├─'} {first}"
        yield from (f"{'   ' if last else '│  '}{line}" for line in rest)


def as_rich(node: Node, tree: Tree | None = None) -> Tree:
    name, colon, value = node.line.partition(": ")
    label = f"[bold]{escape(name)}[/]{colon}[cyan]{escape(value)}[/]" if colon else f"[bold]{escape(name)}[/]"
    branch = Tree(label) if tree is None else tree.add(label)
    for child in node.children:
        as_rich(child, branch)
    return branch
