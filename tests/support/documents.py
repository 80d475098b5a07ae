"""The blocks of the documents, found, and run as a reader would run them."""

import contextlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import timeit
from pathlib import Path
from typing import NamedTuple

import command_words

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^()\s]+)\)")
# What is typed goes through the test: what Python programs do is done in its
# process, which has imported all; the others are what they are.
TYPED = ("keras-saliency", "python", "python3", "pip", "pytest")
SHIM = """#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
sent = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
line.sendall(len(sent).to_bytes(8, "big") + sent)
answer = json.loads(line.makefile("rb").read())
os.environ.update(answer["variables"])
if answer["run"]:
    os.execv(answer["run"][0], answer["run"])
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["status"])
"""


class Block(NamedTuple):
    """A block of code in a document."""

    page: Path
    line: int
    language: str
    code: str


def pages():
    """Documents of the checkout, those that are generated left out."""
    found = [
        path
        for path in sorted(DOCS.rglob("*.md"))
        if not {"generated", "_build", "demo"} & set(path.parts)
    ]
    return [ROOT / "README.md", *found]


def named(page):
    """Name of a document below the checkout."""
    return page.relative_to(ROOT).as_posix()


def links(page):
    """Links and images of a document, outside of its code."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return LINK.findall(re.sub(r"`[^`]*`", "", text))


def anchors(page):
    """Names that links to a document's headings have."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(words.strip().replace(" ", "-"))
    return found


def blocks(page):
    """Blocks of a document, in order, those of Sphinx's directives left out."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 2, *match.groups())
        for match in FENCE.finditer(text)
        if not match[1].startswith("{")
    ]


class Reader:
    """Who opens a page in an empty folder and types what stands in it.

    Args:
        folder: The folder, which is the current one.
        shims: Another, for the programs that are typed.

    Attributes:
        names: What Python's blocks have defined so far.
        placeholders: Words of commands and what the reader types for them.
    """

    def __init__(self, folder, shims):
        self.folder = folder
        self.names = {"__name__": "page"}
        self.placeholders = {}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(shims / "line"))
        self._socket.listen()
        self._shims = shims
        for name in TYPED:
            self._put(shims / name)

    def _put(self, path):
        address = str(self._shims / "line")
        path.write_text(SHIM.format(python=sys.executable, address=address))
        path.chmod(0o755)

    def close(self):
        """Stop listening."""
        self._socket.close()

    def read(self, block):
        """Run a block.

        Raises:
            AssertionError: If a shell block fails; what it said is in it.
        """
        if block.language == "python":
            # Lines of errors are those of the page.
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, str(block.page), "exec"), self.names)
        else:
            self._type(block)

    def _type(self, block):
        path = os.pathsep.join([str(self._shims), os.environ["PATH"]])
        with (self._shims / "said").open("w") as said:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", block.code],
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                stdout=said,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket.settimeout(0.1)
        try:
            while process.poll() is None:
                with contextlib.suppress(TimeoutError):
                    self._answer(self._socket.accept()[0])
        finally:
            # What a block leaves in the background, such as a server.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
        said = (self._shims / "said").read_text(errors="replace")
        where = f"{named(block.page)}:{block.line}"
        assert process.returncode == 0, f"{where}\n{block.code}\n{said}"

    def _answer(self, line):
        with line:
            line.settimeout(60)
            stream = line.makefile("rb")
            length = int.from_bytes(stream.read(8), "big")
            words, folder, environment = json.loads(stream.read(length))
            out, err = io.StringIO(), io.StringIO()
            run, status = None, 0
            with (
                contextlib.chdir(folder),
                _environment(environment),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                try:
                    run = self._do(words)
                except SystemExit as stop:
                    status = stop.code or 0
                except Exception as error:
                    err.write(f"{shlex.join(words)}: {error!r}\n")
                    status = 1
            answer = {
                "run": run,
                "variables": command_words.backend(environment),
                "status": status,
                "out": out.getvalue(),
                "err": err.getvalue(),
            }
            line.sendall(json.dumps(answer).encode())

    def _do(self, words):
        """Do what a command says, or return the words of a process."""
        match words:
            case ["keras-saliency", *rest]:
                filled = [self.placeholders.get(word, word) for word in rest]
                raise SystemExit(command_words.keras_saliency(filled))
            case ["python" | "python3", "-m", "timeit", *rest]:
                raise SystemExit(timeit.main(rest))
            case ["python" | "python3", "-m", "venv", folder]:
                (Path(folder) / "bin").mkdir(parents=True, exist_ok=True)
                for name in TYPED:
                    self._put(Path(folder) / "bin" / name)
                # The programs that it puts in the path are there already.
                (Path(folder) / "bin" / "activate").touch()
            case ["python" | "python3", script, *rest] if script.startswith(
                ("examples/", "tools/")
            ):
                command_words.script(ROOT / script, rest)
            case ["python" | "python3", *rest]:
                return [sys.executable, *rest]
            case ["pip", *rest]:
                command_words.pip(ROOT, rest)
            case ["pytest", *rest]:
                command_words.pytest(ROOT, rest)
        return None


@contextlib.contextmanager
def _environment(given):
    """What a command was given of the package's variables."""
    before = dict(os.environ)
    ours = {k: v for k, v in given.items() if k.startswith("KERAS_SALIENCY_")}
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
