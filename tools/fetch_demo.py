"""Get what the demo in the browser needs, verify it, and serve the page.

    python tools/fetch_demo.py --serve

The program that runs the model, ONNX Runtime Web, comes by `npm pack` from the
registry that npm is set up for, in the version and with the checksums that
stand here; or from a file of that package (`--package`). The model is the
package's own, by the checksum of the manifest. All go to `docs/demo/vendor/`,
which git ignores. What is there and right is not fetched again.
"""

import argparse
import base64
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "docs" / "demo"
WEIGHTS = ROOT / "keras_saliency" / "weights"
MODEL = "bundled.onnx"
PACKAGE = "onnxruntime-web@1.30.0"
# Of the package, as the registry states it.
INTEGRITY = (
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7Qm"
    "RMDs1SigqR4CXAfKYQ=="
)
# SHA-256 of those of its files that the page asks for.
FILES = {
    "ort.wasm.min.mjs": (
        "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b"
    ),
    "ort-wasm-simd-threaded.mjs": (
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
}


class FetchError(Exception):
    """What could not be had, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--package",
        type=Path,
        metavar="FILE",
        help=f"the file that 'npm pack {PACKAGE}' wrote elsewhere",
    )
    parser.add_argument(
        "--to", type=Path, default=DEMO / "vendor", help="folder to write"
    )
    parser.add_argument(
        "--serve", action="store_true", help="serve the page on this machine"
    )
    parser.add_argument("--port", type=int, default=8000)
    parsed = parser.parse_args(arguments)
    try:
        fetch(parsed.to, parsed.package)
    except (FetchError, OSError) as error:
        print(f"fetch_demo: {error}", file=sys.stderr)
        return 1
    if parsed.serve:
        serve(parsed.port)
    return 0


def fetch(to: Path, package: Path | None = None) -> None:
    """Write the files that are not there yet, each whole and verified."""
    to.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((WEIGHTS / "manifest.json").read_text("utf-8"))
    published, _ = manifest["bundled"]["exports"]["onnx"]
    put(to / MODEL, (WEIGHTS / MODEL).read_bytes(), published)
    if all(is_right(to / name, sha256) for name, sha256 in FILES.items()):
        print(f"{to} is complete.")
        return
    with tempfile.TemporaryDirectory() as folder:
        package = package or packed(Path(folder))
        check_integrity(package)
        with tarfile.open(package) as archive:
            for name, sha256 in FILES.items():
                try:
                    file = archive.extractfile(f"package/dist/{name}")
                except KeyError:
                    file = None
                if file is None:
                    raise FetchError(f"{package} has no file dist/{name}.")
                put(to / name, file.read(), sha256)
    print(f"{to} is complete.")


def packed(folder: Path) -> Path:
    """Return the package's file, from npm's registry."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(
            f"npm is not installed. Install it, or run 'npm pack {PACKAGE}' on "
            "another machine and give the file with --package."
        )
    done = subprocess.run(
        [npm, "pack", PACKAGE, "--pack-destination", str(folder)],
        capture_output=True,
        text=True,
    )
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or not found:
        raise FetchError(
            f"'npm pack {PACKAGE}' failed: {done.stderr.strip()[-500:]}"
        )
    return found[0]


def check_integrity(package: Path) -> None:
    """Compare a package with what the registry stated when it was pinned."""
    digest = hashlib.sha512(package.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != INTEGRITY:
        raise FetchError(f"{package.name} is not {PACKAGE}: another checksum.")


def is_right(path: Path, sha256: str) -> bool:
    """Return whether a file is there and the one that was pinned."""
    return path.is_file() and digest_of(path.read_bytes()) == sha256


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def put(path: Path, content: bytes, sha256: str) -> None:
    """Write a file as a whole, unless it has another checksum."""
    if digest_of(content) != sha256:
        raise FetchError(
            f"{path.name} has another checksum: {sha256} is right."
        )
    new = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        new.write_bytes(content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def serve(port: int) -> None:
    """Serve the page to this machine until it is stopped."""
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(DEMO)
    )
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), handler
    ) as server:
        print(f"http://localhost:{server.server_port}/ (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    sys.exit(main())
