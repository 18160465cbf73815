"""Docstrings: the first paragraph, and what they say of parameters in the style of Google."""

HEADS = ("Args:", "Arguments:", "Parameters:")


def first_paragraph(doc):
    """The first paragraph of a docstring as one line, or an empty text."""
    lines = []
    for line in (doc or "").strip().splitlines():
        if not line.strip():
            break
        lines.append(line.strip())
    return "" if lines and lines[0] in HEADS else " ".join(lines)


def parameters(doc):
    """What the section `Args:` of a docstring says of each parameter."""
    found, lines = {}, iter((doc or "").expandtabs().splitlines())
    head = next((line for line in lines if line.strip() in HEADS), None)
    name = first = None
    for line in lines if head is not None else ():
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent <= len(head) - len(head.lstrip()):
            break
        first = indent if first is None else first
        label, colon, text = line.partition(":")
        if indent > first:
            text = line
        elif colon and label.split():
            # `name (type): text`; the stars of `*args` and `**kwargs` are not of the name.
            name = label.split()[0].lstrip("*")
        else:
            name = None
        if name is not None:
            found[name] = (found.get(name, "") + " " + text.strip()).strip()
    return found
