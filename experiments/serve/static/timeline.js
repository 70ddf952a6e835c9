/* Probabilities over the time of a clip: a row a class, as an area that is strong where it wins. */

const find = (id) => document.getElementById(id);

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export class Timeline {
  /** `onSeek(seconds)` is called when someone chooses a time. */
  constructor(classes, onSeek) {
    this.classes = classes;
    this.onSeek = onSeek;
    this.rows = find("rows");
    this.canvases = classes.map(() => document.createElement("canvas"));
    this.head = document.createElement("span");
    this.head.className = "head";
    this.rows.replaceChildren(
      ...classes.flatMap((name, i) => {
        const title = document.createElement("span");
        title.className = "name";
        title.textContent = title.title = name;
        return [title, this.canvases[i]];
      }),
      this.head,
    );
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.rows);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.reset();
  }

  reset() {
    this.duration = 0;
    this.points = [];
    this.move(0, "");
  }

  /** Points of one face: `seconds` and `probabilities` in the classes' order. */
  set(points, duration) {
    this.points = points;
    this.duration = duration;
    this.rows.setAttribute("aria-valuemax", duration.toFixed(2));
    find("time-end").textContent = clock(duration);
    this.draw();
  }

  move(seconds, told) {
    this.now = seconds;
    find("time-now").textContent = clock(seconds);
    this.rows.setAttribute("aria-valuenow", seconds.toFixed(2));
    this.rows.setAttribute("aria-valuetext", `${clock(seconds)}${told && `, ${told}`}`);
    this.place();
  }

  place() {
    const [left, width] = this.area();
    const share = this.duration ? Math.min(1, this.now / this.duration) : 0;
    this.head.style.left = `${left + share * width}px`;
  }

  area() {
    const [outer, inner] = [this.rows, this.canvases[0]].map((e) => e.getBoundingClientRect());
    return [inner.left - outer.left, inner.width];
  }

  draw() {
    const style = getComputedStyle(document.documentElement);
    const [weak, strong] = ["--bar", "--accent"].map((name) => style.getPropertyValue(name));
    const ratio = window.devicePixelRatio || 1;
    this.canvases.forEach((canvas, i) => {
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
      this.drawRow(canvas, i, weak, strong);
    });
    this.place();
  }

  drawRow(canvas, index, weak, strong) {
    const pen = canvas.getContext("2d");
    const at = (seconds) => (this.duration ? (seconds / this.duration) * canvas.width : 0);
    this.points.forEach(({ seconds, probabilities }, i) => {
      if (!probabilities) return;
      const next = this.points[i + 1]?.seconds ?? seconds + (this.step() || 0);
      const height = probabilities[index] * canvas.height;
      const wins = probabilities.every((p) => p <= probabilities[index]);
      const left = Math.floor(at(seconds));
      pen.fillStyle = wins ? strong : weak;
      pen.fillRect(left, canvas.height - height, Math.max(1, Math.ceil(at(next)) - left), height);
    });
  }

  step() {
    return this.points.length > 1 ? this.points[1].seconds - this.points[0].seconds : 0;
  }

  listen() {
    const seek = (event) => {
      const [left, width] = this.area();
      const share = (event.clientX - this.rows.getBoundingClientRect().left - left) / width;
      this.onSeek(Math.min(1, Math.max(0, share)) * this.duration);
    };
    this.rows.addEventListener("pointerdown", (event) => {
      this.rows.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.rows.addEventListener("pointermove", (event) => {
      if (this.rows.hasPointerCapture(event.pointerId)) seek(event);
    });
    this.rows.addEventListener("keydown", (event) => {
      const frame = this.step() || 0.04;
      const steps = {
        ArrowLeft: this.now - frame, ArrowDown: this.now - frame, ArrowRight: this.now + frame,
        ArrowUp: this.now + frame, PageDown: this.now - 1, PageUp: this.now + 1, Home: 0, End: this.duration,
      };
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.onSeek(Math.min(this.duration, Math.max(0, steps[event.key])));
    });
  }
}
