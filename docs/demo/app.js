// The page: images in, maps on the screen, files out. All of it on this machine.

import * as saliency from "./saliency.js";

// What a browser's canvas may hold on any phone.
const MOST_PIXELS = 16e6;
// Of what is shown; files are saved at the image's own size.
const SHOWN = 1280;
const CAMERA_SIDE = 640;

const at = (id) => document.getElementById(id);
const stage = at("stage");
const canvas = at("canvas");
const video = at("video");
const file = at("file");
const opacity = at("opacity");

let session = null;
let network = null;
let loading = true;
// What was dropped before the model was there.
let early = null;
// Counts what was asked for: only the newest is shown.
let request = 0;
// The image that is shown: its name, its canvas, its map of the network's size.
let current = null;
let stream = null;

function say(text) {
  at("status").textContent = text;
}

function newCanvas(width, height) {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}

function context(of) {
  return of.getContext("2d", { willReadFrequently: true });
}

function pixelsOf(of) {
  return context(of).getImageData(0, 0, of.width, of.height);
}

/** Draw what can be drawn on a canvas of at most so many pixels a side or in all. */
function drawn(source, width, height, side = Infinity) {
  const scale = Math.min(
    1, side / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height)),
  );
  const made = newCanvas(
    Math.max(1, Math.round(scale * width)), Math.max(1, Math.round(scale * height)),
  );
  context(made).drawImage(source, 0, 0, made.width, made.height);
  return made;
}

function stop(tracks) {
  for (const track of tracks.getTracks()) track.stop();
}

async function load() {
  say("Loading the model …");
  try {
    network = await import("./vendor/ort.wasm.min.mjs");
    network.env.wasm.wasmPaths = new URL("vendor/", document.baseURI).href;
    network.env.wasm.numThreads = 1;
    session = await network.InferenceSession.create("vendor/bundled.onnx");
  } catch (error) {
    console.error(error);
    say(
      "The model or the program that runs it, the files of vendor/, could not be " +
      "loaded. In a copy of the repository, python tools/fetch_demo.py --serve " +
      "gets them and serves this page.",
    );
    return;
  } finally {
    loading = false;
  }
  for (const id of ["file", "example"]) at(id).disabled = false;
  at("camera").disabled = !navigator.mediaDevices?.getUserMedia;
  if (at("camera").disabled) at("camera").title = "This browser offers no camera here";
  say("Ready.");
  open(early);
  early = null;
}

/** Return the network's map of a canvas, and the milliseconds it took. */
async function mapOf(source) {
  const begun = performance.now();
  const image = saliency.fromCanvas(pixelsOf(source));
  const shape = [1, saliency.HEIGHT, saliency.WIDTH, 3];
  const input = new network.Tensor("float32", saliency.prepare(image), shape);
  const { saliency: output } = await session.run({ images: input });
  const [, height, width] = output.dims;
  const map = { data: output.data, height, width, channels: 1 };
  return { map, milliseconds: performance.now() - begun };
}

/** Return an image with its map laid over, at a size. */
function overlaid({ source, map }, width, height) {
  const made = newCanvas(width, height);
  context(made).drawImage(source, 0, 0, width, height);
  const pixels = pixelsOf(made);
  saliency.lay(pixels, saliency.finish(map, height, width), opacity.value / 100);
  context(made).putImageData(pixels, 0, 0);
  return made;
}

function show() {
  const { source } = current;
  const scale = Math.min(1, SHOWN / Math.max(source.width, source.height));
  const made = overlaid(
    current, Math.max(1, Math.round(scale * source.width)),
    Math.max(1, Math.round(scale * source.height)),
  );
  canvas.width = made.width;
  canvas.height = made.height;
  context(canvas).drawImage(made, 0, 0);
  stage.classList.remove("empty");
  at("hint").hidden = true;
  for (const id of ["canvas", "caption", "controls"]) at(id).hidden = false;
}

function describe(milliseconds, aloud = true) {
  const { source, map, name } = current;
  const [x, y] = saliency.peak(map).map((part) => Math.round(100 * part));
  at("caption").textContent = `${name}, ${source.width} × ${source.height}`;
  canvas.setAttribute(
    "aria-label",
    `${name} with its map. It is strongest ${x} percent from the left and ` +
    `${y} percent from the top.`,
  );
  const said = `The map took ${Math.round(milliseconds)} ms.`;
  if (aloud) say(said);
  else at("caption").textContent += `. ${said}`;
}

async function take(source, name, mine) {
  try {
    const { map, milliseconds } = await mapOf(source);
    if (mine !== request) return;
    current = { source, map, name };
    show();
    describe(milliseconds);
  } catch (error) {
    console.error(error);
    if (mine !== request) return;
    say(`The map of ${name} could not be made (${error.message}).`);
  }
}

async function open(blob) {
  if (!blob) return;
  const name = blob.name || "Pasted image";
  if (loading) {
    early = blob;
    say(`Loading the model; ${name} comes after it …`);
  }
  if (!session) return;
  const mine = ++request;
  closeCamera();
  say(`Reading ${name} …`);
  let bitmap;
  try {
    // As stored, without a color profile, as OpenCV reads it.
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    if (mine === request) say(`${name} is no image that this browser can read.`);
    return;
  }
  if (mine !== request) return;
  await take(drawn(bitmap, bitmap.width, bitmap.height), name, mine);
}

/** Draw an image that shows something without one of your own. */
function example() {
  const mine = ++request;
  closeCamera();
  const made = newCanvas(800, 600);
  const pen = context(made);
  const sky = pen.createLinearGradient(0, 0, 0, 600);
  sky.addColorStop(0, "#8fb4d4");
  sky.addColorStop(0.62, "#dfe8ee");
  sky.addColorStop(0.62, "#7d9a6a");
  sky.addColorStop(1, "#5e7a4e");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 800, 600);
  pen.fillStyle = "#6d7f8f";
  for (const [x, width, height] of [[60, 90, 150], [170, 70, 210], [610, 110, 180]]) {
    pen.fillRect(x, 372 - height, width, height);
  }
  pen.fillStyle = "#c8281e";
  pen.beginPath();
  pen.arc(470, 400, 46, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#f4d21f";
  pen.fillRect(250, 430, 60, 44);
  take(made, "Example", mine);
}

async function useCamera() {
  if (stream) {
    // The image of this moment stays.
    closeCamera();
    return;
  }
  const mine = ++request;
  let opened;
  at("camera").disabled = true;
  try {
    opened = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment" },
    });
  } catch (error) {
    if (mine === request) say(`The camera cannot be used (${error.message}).`);
    return;
  } finally {
    at("camera").disabled = false;
  }
  if (mine !== request) {
    // Another image came while the browser asked.
    stop(opened);
    return;
  }
  stream = video.srcObject = opened;
  at("camera").textContent = "Keep this image";
  try {
    await video.play();
  } catch (error) {
    if (stream !== opened) return;
    closeCamera();
    say(`The camera cannot be used (${error.message}).`);
    return;
  }
  try {
    await follow(opened, mine);
  } catch (error) {
    console.error(error);
    if (mine !== request) return;
    closeCamera();
    say(`The map of the camera's image could not be made (${error.message}).`);
  }
}

/** Show the camera's images with their maps until it is closed. */
async function follow(opened, mine) {
  if (stream === opened) say("The camera is on; its images stay here too.");
  let shown, milliseconds;
  while (stream === opened) {
    const source = drawn(video, video.videoWidth, video.videoHeight, CAMERA_SIDE);
    let map;
    ({ map, milliseconds } = await mapOf(source));
    // Meanwhile the camera may have been left for another image.
    if (mine !== request || (stream !== opened && shown)) break;
    current = shown = { source, map, name: "Camera" };
    show();
    describe(milliseconds, false);
    await new Promise(requestAnimationFrame);
  }
  if (mine === request && shown) describe(milliseconds);
}

function closeCamera() {
  if (!stream) return;
  stop(stream);
  stream = video.srcObject = null;
  at("camera").textContent = "Use the camera";
}

function save(of, ending) {
  // Another image may be there when the file is.
  const { name } = current;
  of.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name.replace(/\.[^.]*$/, "") + ending;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }, "image/png");
}

file.addEventListener("change", () => {
  open(file.files[0]);
  // The same file may be chosen again.
  setTimeout(() => { file.value = ""; });
});
at("camera").addEventListener("click", useCamera);
at("example").addEventListener("click", example);
opacity.addEventListener("input", () => {
  at("percent").textContent = `${opacity.value} %`;
  if (current) show();
});
at("save-overlay").addEventListener("click", () => {
  const { width, height } = current.source;
  save(overlaid(current, width, height), "_overlay.png");
});
at("save-map").addEventListener("click", () => {
  const { width, height } = current.source;
  const made = newCanvas(width, height);
  const pixels = pixelsOf(made);
  saliency.grayLevels(pixels, saliency.finish(current.map, height, width));
  context(made).putImageData(pixels, 0, 0);
  save(made, ".png");
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
}
document.addEventListener("drop", (event) => open(event.dataTransfer.files[0]));
document.addEventListener("paste", (event) => open(event.clipboardData.files[0]));

const colors = context(at("colors"));
for (let x = 0; x < 256; x++) {
  colors.fillStyle = `rgb(${saliency.color(x / 255).map(Math.round)})`;
  colors.fillRect(x, 0, 1, 1);
}
load();
