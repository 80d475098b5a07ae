// From an image to its map and the overlay: plain arrays, no page.
//
// The same steps and numbers as in Python: `images.resize`, `steps.stretch`, and
// `Predictor`, which divides the map by its largest value.

// The input of the network: RGB in 0..255.
export const HEIGHT = 192;
export const WIDTH = 256;

// Colors of the map at equal steps, from "inferno".
const COLORS = [
  "000004", "0c0826", "240c4f", "420a68", "5d126e", "781c6d", "932667", "ae305c",
  "c73e4c", "dd513a", "ed6925", "f8850f", "fca50a", "fac62d", "f2e661", "fcffa4",
].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

/** Return the color of a value in 0..1, three numbers in 0..255. */
export function color(value) {
  const place = Math.min(Math.max(value, 0), 1) * (COLORS.length - 1);
  const i = Math.min(Math.floor(place), COLORS.length - 2);
  const part = place - i;
  return COLORS[i].map((from, c) => from + part * (COLORS[i + 1][c] - from));
}

// For each new sample: the first old one, and the weights of it and those after.
function linearWeights(length, newLength) {
  const scale = length / newLength;
  return Array.from({ length: newLength }, (_, i) => {
    const place = Math.min(Math.max((i + 0.5) * scale - 0.5, 0), length - 1);
    const first = Math.min(Math.floor(place), Math.max(length - 2, 0));
    const part = place - first;
    return { first, weights: length > 1 ? [1 - part, part] : [1] };
  });
}

function areaWeights(length, newLength) {
  const scale = length / newLength;
  return Array.from({ length: newLength }, (_, i) => {
    const from = i * scale;
    const to = Math.min(from + scale, length);
    const first = Math.floor(from);
    const weights = [];
    for (let j = first; j < Math.min(Math.ceil(to), length); j++) {
      weights.push((Math.min(j + 1, to) - Math.max(j, from)) / scale);
    }
    const sum = weights.reduce((a, b) => a + b);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function apply(data, height, width, channels, rows, columns, round) {
  const wide = new Float32Array(height * columns.length * channels);
  let k = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of columns) {
      const start = (y * width + first) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += weights[j] * data[start + j * channels + c];
        }
        wide[k++] = sum;
      }
    }
  }
  const line = columns.length * channels;
  const result = new Float32Array(rows.length * line);
  rows.forEach(({ first, weights }, y) => {
    for (let x = 0; x < line; x++) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) {
        sum += weights[j] * wide[(first + j) * line + x];
      }
      result[y * line + x] = round ? Math.round(sum) : sum;
    }
  });
  return result;
}

/**
 * Resize as `images.resize`: area average to shrink, linear to enlarge; an image
 * that shrinks by less than two in both directions is interpolated linearly too.
 *
 * @param {{data, height, width, channels}} image Three channels are an image of
 *     whole numbers, whose result is rounded; one is a map.
 * @returns {{data: Float32Array, height, width, channels}}
 */
export function resize(image, height, width) {
  const { channels } = image;
  if (height === image.height && width === image.width) {
    return { ...image, data: Float32Array.from(image.data) };
  }
  if (height > image.height && width < image.width) {
    image = resize(image, image.height, width);
  } else if (height < image.height && width > image.width) {
    image = resize(image, height, image.width);
  }
  let area = height <= image.height && width <= image.width;
  if (channels === 3) {
    area = area && !(image.height < 2 * height && image.width < 2 * width);
  }
  const weights = area ? areaWeights : linearWeights;
  const data = apply(
    image.data, image.height, image.width, channels,
    weights(image.height, height), weights(image.width, width), channels === 3,
  );
  return { data, height, width, channels };
}

/** Return what a canvas holds as an image: the opacity is dropped. */
export function fromCanvas({ data, width, height }) {
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let i = 0, j = 0; i < data.length; i += 4) {
    rgb[j++] = data[i];
    rgb[j++] = data[i + 1];
    rgb[j++] = data[i + 2];
  }
  return { data: rgb, height, width, channels: 3 };
}

/** Return the network's input, float32 of HEIGHT x WIDTH x 3. */
export function prepare(image) {
  return resize(image, HEIGHT, WIDTH).data;
}

/** Return the network's map at a size, its largest value 1 unless it is 0. */
export function finish(map, height, width) {
  const { data } = resize(map, height, width);
  let peak = 0;
  for (const value of data) peak = Math.max(peak, value);
  const scale = peak > 0 ? 1 / peak : 1;
  for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i], 0) * scale;
  return { data, height, width, channels: 1 };
}

/** Return where a map is largest, as parts of the width and the height. */
export function peak({ data, height, width }) {
  let best = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > data[best]) best = i;
  return [((best % width) + 0.5) / width, (Math.floor(best / width) + 0.5) / height];
}

/**
 * Lay a map in color over an image that is dimmed to gray, both by `opacity`.
 *
 * @param {{data: Uint8ClampedArray}} pixels RGBA of the map's size, changed here.
 */
export function lay(pixels, map, opacity) {
  const table = Array.from({ length: 256 }, (_, i) => color(i / 255));
  const { data } = pixels;
  for (let i = 0; i < map.data.length; i++) {
    const k = 4 * i;
    const value = map.data[i];
    const rgb = table[Math.round(255 * value)];
    const gray = 0.2 * (data[k] + data[k + 1] + data[k + 2]);
    const over = opacity * Math.sqrt(value);
    for (let c = 0; c < 3; c++) {
      const base = data[k + c] + opacity * (gray - data[k + c]);
      data[k + c] = base + over * (rgb[c] - base);
    }
    data[k + 3] = 255;
  }
}

/** Write a map as gray into RGBA pixels of its size. */
export function grayLevels({ data }, map) {
  for (let i = 0; i < map.data.length; i++) {
    const gray = Math.round(255 * map.data[i]);
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = gray;
    data[4 * i + 3] = 255;
  }
}
