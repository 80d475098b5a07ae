"""The demo in the browser: its files, and its maps beside Python's."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from html.parser import HTMLParser
from pathlib import Path

import chromium
import cv2
import numpy as np
import pytest
import running

from keras_saliency import datasets, images, predict
from keras_saliency.evaluation import cc

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "docs" / "demo"
VENDOR = DEMO / "vendor"


@pytest.fixture(scope="module")
def fetch_demo():
    return running.load(ROOT / "tools" / "fetch_demo.py")


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_the_page_has_all_that_the_script_asks_for():
    found = Elements((DEMO / "index.html").read_text("utf-8")).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    script = (DEMO / "app.js").read_text("utf-8")
    asked = set(re.findall(r'\bat\("([\w-]+)"\)', script))
    assert len(asked) > 10 and asked <= set(ids)
    labels = {a["for"] for tag, a in found if tag == "label" and "for" in a}
    assert "opacity" in labels
    (canvas,) = (a for tag, a in found if a.get("role") == "img")
    assert canvas["aria-label"]


def test_the_page_asks_no_other_machine():
    for path in DEMO.iterdir():
        if path.is_file():
            assert not re.search(r"(https?:)?//\w+\.", path.read_text("utf-8"))
    (rule,) = (
        attributes["content"]
        for tag, attributes in Elements(
            (DEMO / "index.html").read_text("utf-8")
        ).found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(part.split(maxsplit=1) for part in rule.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"


def package(path, contents):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha512(path.read_bytes()).digest()
    return f"sha512-{base64.b64encode(digest).decode()}"


def test_files_are_verified(fetch_demo, tmp_path, monkeypatch, capsys):
    contents = {"a.mjs": b"one", "b.wasm": b"two"}
    path, to = tmp_path / "package.tgz", tmp_path / "vendor"
    integrity = package(path, contents)
    words = ["--package", str(path), "--to", str(to)]
    right = {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()}
    monkeypatch.setattr(fetch_demo, "FILES", dict(right))
    assert fetch_demo.main(words) == 1
    assert "another checksum" in capsys.readouterr().err
    monkeypatch.setattr(fetch_demo, "INTEGRITY", integrity)
    monkeypatch.setitem(fetch_demo.FILES, "b.wasm", "0" * 64)
    assert fetch_demo.main(words) == 1
    assert "b.wasm has another checksum" in capsys.readouterr().err
    assert not (to / "b.wasm").exists()
    monkeypatch.setitem(fetch_demo.FILES, "c.wasm", "0" * 64)
    monkeypatch.setitem(fetch_demo.FILES, "b.wasm", right["b.wasm"])
    assert fetch_demo.main(words) == 1
    assert "no file dist/c.wasm" in capsys.readouterr().err
    del fetch_demo.FILES["c.wasm"]
    assert fetch_demo.main(words) == 0
    written = {path.name: path.read_bytes() for path in to.iterdir()}
    model = written.pop("bundled.onnx")
    assert written == contents
    source = ROOT / "keras_saliency" / "weights" / "bundled.onnx"
    assert model == source.read_bytes()
    # What is there and right is not fetched again.
    path.unlink()
    assert fetch_demo.main(words) == 0


NETWORK = """
export const env = { wasm: {} };
export class Tensor {}
async function run() {
  if (globalThis.fails) throw new Error("no memory");
  await new Promise((done) => setTimeout(done, 5));
  const data = new Float32Array(48 * 64).fill(0.5);
  return { saliency: { data, dims: [1, 48, 64, 1] } };
}
export const InferenceSession = { create: async () => ({ run }) };
"""
SCENE = """
import { at, cameras, drop, ready, uncaught, wait } from "./page.mjs";
await import("./app.js");
%s
console.log(JSON.stringify({
  status: at("status").textContent, caption: at("caption").textContent,
  button: at("camera").textContent, disabled: at("camera").disabled,
  live: cameras.filter((track) => track.live).length,
  cameras: cameras.length, uncaught,
}));
process.exit();
"""


@pytest.fixture
def page(tmp_path):
    """A function that does something on the page and returns what is there."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which runs the page's script")
    for name in ("app.js", "saliency.js"):
        shutil.copy(DEMO / name, tmp_path)
    shutil.copy(ROOT / "tests/support/demo_page.mjs", tmp_path / "page.mjs")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/ort.wasm.min.mjs").write_text(NETWORK)

    def play(deeds):
        (tmp_path / "scene.mjs").write_text(SCENE % deeds)
        done = subprocess.run(
            [node, "scene.mjs"], cwd=tmp_path, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        found = json.loads(done.stdout)
        assert found["uncaught"] == []
        return found

    return play


CLICK = 'at("camera").click();'


def test_a_camera_is_opened_once_and_stopped(page):
    found = page(f"await ready(); {CLICK} {CLICK} await wait(150);")
    assert (found["cameras"], found["live"]) == (1, 1)
    assert found["caption"].startswith("Camera")
    assert found["button"] == "Keep this image" and not found["disabled"]
    found = page(
        f"await ready(); {CLICK} await wait(150); {CLICK} await wait(50);"
    )
    assert found["live"] == 0 and found["button"] == "Use the camera"
    assert found["caption"].startswith("Camera")
    assert found["status"].startswith("The map took")


def test_a_network_that_fails_closes_the_camera(page):
    found = page(
        f"await ready(); {CLICK} await wait(150); console.error = () => {{}};"
        "globalThis.fails = true; await wait(100);"
    )
    assert found["live"] == 0 and found["button"] == "Use the camera"
    assert "could not be made (no memory)" in found["status"]


@pytest.mark.parametrize(
    "deeds",
    [
        'await ready(); drop("large.jpg", 80); drop("last.jpg", 5);',
        # While the browser asks; before the camera's first image.
        f'await ready(); {CLICK} await wait(5); drop("last.jpg", 1);',
        f'await ready(); {CLICK} await wait(23); drop("last.jpg", 1);',
        f'await ready(); {CLICK} await wait(90); drop("last.jpg", 1);',
        # Before the model is there.
        'drop("large.jpg", 1); drop("last.jpg", 1);',
    ],
)
def test_what_was_asked_for_last_is_shown(page, deeds):
    found = page(f"{deeds} await wait(200);")
    assert found["caption"] == "last.jpg, 40 × 30"
    assert found["status"].startswith("The map took")
    assert found["live"] == 0 and found["button"] in ("", "Use the camera")


HARNESS = """<!doctype html>
<iframe id="page" src="/index.html" width="900" height="900"></iframe>
<script type="module">
import * as saliency from "/saliency.js";
const frame = document.getElementById("page");
const at = (id) => frame.contentDocument?.getElementById(id);
const post = (path, body) => fetch(path, { method: "POST", body });
async function until(test) {
  for (;;) {
    const found = test();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
}
async function choose(path) {
  const blob = await (await fetch(path)).blob();
  const bitmap = await createImageBitmap(
    blob, { colorSpaceConversion: "none" },
  );
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const pixels = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  await post("/input", saliency.prepare(saliency.fromCanvas(pixels)));
  const files = new DataTransfer();
  files.items.add(new File([blob], "image.png", { type: blob.type }));
  const expected = `${bitmap.width} × ${bitmap.height}`;
  at("file").files = files.files;
  at("file").dispatchEvent(new Event("change"));
  await until(() => at("caption").textContent.includes(expected));
  await post("/said", at("status").textContent);
  const saved = new Promise((done) => {
    frame.contentWindow.HTMLAnchorElement.prototype.click = function () {
      done([this.download, this.href]);
    };
  });
  at("save-map").click();
  const [name, address] = await saved;
  await post(`/${name}`, await (await fetch(address)).blob());
}
try {
  await until(() => at("status")?.textContent === "Ready.");
  for (const path of PATHS) await choose(path);
} catch (error) {
  await post("/error", String(error.stack));
}
</script>
"""

# Area average; linear to shrink; to enlarge; one side of each.
SIZES = [(480, 640), (300, 500), (100, 90), (200, 900), (517, 1201)]


@pytest.mark.slow
def test_maps_are_those_of_python(capsys):
    if not (VENDOR / "ort.wasm.min.mjs").is_file():
        pytest.skip("needs the files that tools/fetch_demo.py gets")
    files, made = {}, []
    for number, size in enumerate(SIZES):
        image = datasets.generate(1, size, seed=number).image(0)
        _, encoded = cv2.imencode(".png", image[..., ::-1])
        files[f"/test/{number}.png"] = "image/png", encoded.tobytes()
        made.append(image)
    page = HARNESS.replace("PATHS", json.dumps(list(files)))
    files["/test/page.html"] = "text/html; charset=utf-8", page.encode()
    said = []
    with chromium.visiting(DEMO, files, "/test/page.html") as posted:
        for image in made:
            path, content = posted()
            assert path == "/input", content
            given = np.frombuffer(content, np.float32).reshape(192, 256, 3)
            ours = images.resize(image, (192, 256)).astype(np.float32)
            difference = np.abs(given - ours)
            # OpenCV interpolates bytes with weights of 11 bits.
            assert difference.max() <= 1 and difference.mean() < 0.2
            path, content = posted()
            assert path == "/said", content
            took = re.fullmatch(r"The map took (\d+) ms\.", content.decode())
            path, content = posted()
            assert path == "/image.png", content
            data = np.frombuffer(content, np.uint8)
            shown = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., 0]
            map_ = predict(image)
            agreement = cc(prediction=shown, density=map_)
            assert agreement > 0.999
            assert np.abs(shown / 255 - map_).max() < 0.04
            said.append(
                f"{image.shape[0]}x{image.shape[1]}: {took[1]} ms, CC "
                f"{agreement:.6f}, input off by {difference.mean():.4f}"
            )
    with capsys.disabled():
        print("", *said, sep="\n")
