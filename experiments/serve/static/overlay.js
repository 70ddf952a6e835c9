/* Landmarks over a picture. */

const SCALE = 8192;
const LIGHT = "rgb(126 245 220)";
const DARK = "rgb(0 24 20 / .45)";

/** Mesh points from text: x and y in turn, in shares of the picture's width and height. */
export function readMesh(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const points = new Float32Array(bytes.length / 2);
  for (let i = 0; i < points.length; i++) points[i] = view.getInt16(2 * i, true) / SCALE;
  return points;
}

/** Draws faces on a canvas that lies over a picture; `lines` are those of the model's facts. */
export class Overlay {
  constructor(canvas, lines) {
    this.canvas = canvas;
    this.lines = lines;
    this.style = "contours";
    this.faces = [];
    this.chosen = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(faces, chosen = null) {
    this.faces = faces;
    this.chosen = chosen;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    if (canvas.width !== Math.round(width)) canvas.width = Math.round(width);
    if (canvas.height !== Math.round(height)) canvas.height = Math.round(height);
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (this.style === "none") return;
    for (const face of this.faces) {
      if (!face.mesh) continue;
      face.points ??= readMesh(face.mesh);
      pen.globalAlpha = this.chosen === null || face.face === this.chosen ? 1 : 0.45;
      this.drawFace(pen, face.points, ratio);
    }
    pen.globalAlpha = 1;
  }

  drawFace(pen, points, ratio) {
    const { width, height } = this.canvas;
    const at = (i) => [points[2 * i] * width, points[2 * i + 1] * height];
    const size = measure(points, width);
    const thin = Math.max(0.6 * ratio, Math.min(1.7 * ratio, size / 190));
    pen.lineCap = pen.lineJoin = "round";
    if (this.style === "mesh") {
      const fine = joinLines(this.lines.mesh, at);
      strokeTwice(pen, fine, thin * 0.55, 0.55);
    }
    const contours = joinLines(this.lines.contours, at);
    strokeTwice(pen, contours, thin * 1.25, 1);
    if (this.style === "contours") {
      pen.fillStyle = LIGHT;
      for (const i of new Set(this.lines.contours.flat())) {
        pen.beginPath();
        pen.arc(...at(i), thin * 1.35, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }
}

function measure(points, width) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    low = Math.min(low, points[i]);
    high = Math.max(high, points[i]);
  }
  return (high - low) * width;
}

function joinLines(pairs, at) {
  const path = new Path2D();
  for (const [start, end] of pairs) {
    path.moveTo(...at(start));
    path.lineTo(...at(end));
  }
  return path;
}

function strokeTwice(pen, path, width, alpha) {
  const before = pen.globalAlpha;
  pen.globalAlpha = before * alpha;
  pen.strokeStyle = DARK;
  pen.lineWidth = width * 2.4;
  pen.stroke(path);
  pen.strokeStyle = LIGHT;
  pen.lineWidth = width;
  pen.stroke(path);
  pen.globalAlpha = before;
}

/** Draws the mean face of the mesh as lines and dots into an SVG group of 120 x 120. */
export function drawWelcome(group, face, lines) {
  const draw = (name, values) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value.toFixed(2));
    group.append(element);
  };
  const at = (i) => [face[i][0] * 120, face[i][1] * 120];
  for (const [start, end] of lines.contours) {
    const [[x1, y1], [x2, y2]] = [at(start), at(end)];
    draw("line", { x1, y1, x2, y2 });
  }
  for (const i of new Set(lines.contours.flat())) {
    const [cx, cy] = at(i);
    draw("circle", { cx, cy, r: 0.95 });
  }
}
