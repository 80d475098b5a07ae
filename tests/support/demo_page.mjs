// What docs/demo/app.js asks of a browser, for node; ./vendor/ has the network.

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// What the cameras that were opened are doing, and what was not caught.
export const cameras = [];
export const uncaught = [];
process.on("unhandledRejection", (error) => uncaught.push(error.message));

const pen = () => ({
  drawImage() {}, putImageData() {}, fillRect() {}, beginPath() {}, arc() {},
  fill() {},
  createLinearGradient: () => ({ addColorStop() {} }),
  getImageData: (x, y, width, height) => (
    { data: new Uint8ClampedArray(4 * width * height), width, height }
  ),
});

function element() {
  return {
    textContent: "", value: 75, width: 10, height: 10, videoWidth: 64,
    videoHeight: 48, disabled: false, listeners: {},
    classList: { remove() {}, toggle() {} },
    getContext: pen,
    setAttribute() {},
    addEventListener(kind, listener) { this.listeners[kind] = listener; },
    click() { if (!this.disabled) this.listeners.click?.(); },
    async play() {
      const source = this.srcObject;
      await wait(5);
      if (this.srcObject !== source) throw new Error("play() was interrupted");
    },
  };
}

const elements = {}, listeners = {};
export const at = (id) => (elements[id] ??= element());
export async function ready() {
  while (at("status").textContent !== "Ready.") await wait(5);
}
globalThis.document = {
  baseURI: "http://localhost/",
  getElementById: at,
  createElement: element,
  addEventListener: (kind, listener) => { listeners[kind] = listener; },
};
globalThis.requestAnimationFrame = (then) => setTimeout(then, 5);
// An image says how long it takes to read.
globalThis.createImageBitmap = async (blob) => {
  await wait(blob.ms);
  return { width: 40, height: 30 };
};
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: {
  async getUserMedia() {
    await wait(20);
    const track = { live: true, stop() { this.live = false; } };
    cameras.push(track);
    return { getTracks: () => [track] };
  },
} } });

export const drop = (name, ms) => (
  listeners.drop({ dataTransfer: { files: [{ name, ms }] } })
);
