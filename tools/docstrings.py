"""Docstrings as they stand here, made into what Sphinx reads.

The sections of the docstrings are Google's, the text is nearly Markdown: code
between single backticks, indented formulas and programs, and examples that are
not indented below their heading. `docs/conf.py` lets these functions see each
docstring before Napoleon does.
"""

import re

HEADING = re.compile(
    r"(Args|Attributes|Call arguments|Examples?|Input shape|Notes|Output shape|"
    r"Raises|References|Returns|Yields):$"
)
# Sections of plain text, lists and examples, which may begin at the margin.
FREE = ("Example", "Examples", "Notes", "References")
CODE = re.compile(r"(?<![`\w])`([^`]+)`(?!`)")
# Names in them begin with those of modules, as after `from keras_saliency
# import losses`.
ROOMS = (
    "callbacks",
    "datasets",
    "densities",
    "evaluation",
    "experiments",
    "functional",
    "layers",
    "losses",
    "metrics",
    "models",
    "plot",
    "targets",
    "weights",
)
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def converted(lines):
    """Return the lines of a docstring as reStructuredText with sections.

    Args:
        lines: Lines without the indentation that all share.

    Returns:
        List of lines.
    """
    return _literal_blocks(_indented_sections(_inline("\n".join(lines))))


def _inline(text):
    """Make literals of code between backticks; names stay, as links."""

    def code(match):
        inside = " ".join(match[1].split())
        after = match.string[match.end() : match.end() + 1]
        joint = "\\ " if after.isalnum() else ""
        if NAME.fullmatch(inside):
            if inside.partition(".")[0] in ROOMS and "." in inside:
                return f":py:obj:`{inside} <keras_saliency.{inside}>`{joint}"
            return f"`{inside}`{joint}"
        return f"``{inside}``{joint}"

    parts, end = [], 0
    for match in CODE.finditer(text):
        parts += [_escaped(text[end : match.start()]), code(match)]
        end = match.end()
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text):
    """Escape the bars of prose, which are markup there."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if not line.startswith("    ") and ">>>" not in line:
            lines[i] = line.replace("|", r"\|")
    return "\n".join(lines)


def _indented_sections(text):
    """Indent the lines of sections at the margin below their headings."""
    made, inside = [], False
    for line in text.split("\n"):
        if HEADING.match(line):
            inside = line.rstrip(":") in FREE
            made.append(line)
        elif inside and line:
            made.append(f"    {line}")
        else:
            made.append(line)
    return made


def _literal_blocks(lines):
    """Mark what is indented below a paragraph as literal."""
    made, literal = [], False
    for number, line in enumerate(lines):
        if HEADING.match(line):
            return made + lines[number:]
        indented = line.startswith("    ")
        if indented and not literal and made and not made[-1].strip():
            made += ["::", ""]
            literal = True
        elif line.strip() and not indented:
            literal = False
        made.append(line)
    return made
