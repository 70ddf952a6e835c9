/* A clip: its frames come while it is read; then it plays with landmarks, bars and a timeline. */

import { askClip } from "./api.js";
import { percent } from "./result.js";
import { Timeline } from "./timeline.js";

const find = (id) => document.getElementById(id);
const FOLLOW_EVERY = 300;

export class ClipView {
  constructor(classes, { overlay, result, busy }) {
    Object.assign(this, { classes, overlay, result, busy });
    this.video = find("video");
    this.timeline = new Timeline(classes, (seconds) => this.seek(seconds));
    this.video.addEventListener("play", () => (this.following = false));
    this.watch();
    find("csv").addEventListener("click", () => this.save());
    this.close();
  }

  close() {
    this.file = null;
    this.frames = [];
    this.inputs = new Map();
    this.track = null;
    this.following = false;
    this.timeline.reset();
    find("timeline").hidden = true;
    find("tracks").replaceChildren();
    if (this.video.src) URL.revokeObjectURL(this.video.src);
    this.video.removeAttribute("src");
    this.video.load();
    this.video.hidden = true;
    find("frame").classList.remove("clip");
  }

  async open(file, signal, { onSize, onTold }) {
    this.file = file;
    this.playable = await this.load(file);
    signal.throwIfAborted();
    this.following = true;
    let drawn = 0;
    for await (const told of askClip(file, signal)) {
      signal.throwIfAborted();
      if ("done" in told) {
        this.finish(told, onTold);
        break;
      }
      this.add(told, onSize);
      if (performance.now() - drawn > FOLLOW_EVERY) {
        drawn = performance.now();
        this.follow();
      }
    }
  }

  /** Tell whether the browser can play the clip. */
  load(file) {
    return new Promise((done) => {
      this.video.addEventListener("loadeddata", () => done(this.video.videoWidth > 0), { once: true });
      this.video.addEventListener("error", () => done(false), { once: true });
      this.video.src = URL.createObjectURL(file);
    });
  }

  add(frame, onSize) {
    if (!this.frames.length) {
      find("timeline").hidden = false;
      find("frame").classList.add("clip");
      this.video.hidden = !this.playable;
      onSize(frame, this.playable);
    }
    for (const face of frame.faces) {
      if (!this.inputs.has(face.face)) this.addTrack(face.face);
      if (face.inputs) this.inputs.get(face.face).push([frame.seconds, face.inputs]);
    }
    this.frames.push(frame);
  }

  addTrack(track) {
    this.inputs.set(track, []);
    this.track ??= track;
    if (this.inputs.size < 2) return;
    find("tracks").replaceChildren(...[...this.inputs.keys()].sort((a, b) => a - b).map((number) => {
      const label = document.createElement("label");
      const [radio, text] = [document.createElement("input"), document.createElement("span")];
      Object.assign(radio, { type: "radio", name: "track", checked: number === this.track });
      radio.addEventListener("change", () => {
        this.track = number;
        this.drawTimeline();
        this.showAt(this.timeline.now);
      });
      text.textContent = `Face ${number}`;
      label.append(radio, text);
      return label;
    }));
  }

  get duration() {
    const told = this.video.duration;
    return Math.max(Number.isFinite(told) ? told : 0, this.frames.at(-1)?.seconds ?? 0);
  }

  follow() {
    const frame = this.frames.at(-1);
    const share = this.playable && this.duration ? ` (${percent(frame.seconds / this.duration)})` : "";
    this.busy(`Frame ${frame.frame + 1}${share}`);
    this.drawTimeline();
    if (!this.following) return;
    if (this.playable) this.video.currentTime = frame.seconds;
    this.showAt(frame.seconds);
  }

  finish(told, onTold) {
    this.busy(null);
    this.drawTimeline();
    if (told.cut) onTold(`Only the first ${told.done} frames were looked at.`);
    if (this.following) this.seek(0);
    this.following = false;
  }

  drawTimeline() {
    const points = this.frames.map((frame) => {
      const face = frame.faces.find((each) => each.face === this.track);
      const shares = face && Object.values(face.probabilities);
      return { seconds: frame.seconds, probabilities: shares?.length ? shares : null };
    });
    this.timeline.set(points, this.duration);
  }

  seek(seconds) {
    this.following = false;
    if (this.playable) this.video.currentTime = seconds + 0.001;
    this.showAt(seconds);
  }

  /** Show what was found at a time: landmarks, bars, the playhead. */
  showAt(seconds) {
    const frame = this.frames[this.findFrame(seconds)];
    if (!frame || seconds > this.frames.at(-1).seconds + 1) {
      this.overlay.show([]);
      this.timeline.move(seconds, "");
      return;
    }
    const face = frame.faces.find((each) => each.face === this.track);
    this.overlay.show(frame.faces, frame.faces.length > 1 ? this.track : null);
    if (face) {
      const inputs = this.inputs.get(this.track).findLast(([time]) => time <= frame.seconds)?.[1];
      this.result.show({ ...face, inputs }, { live: true });
    } else this.result.showNothing("–", "No face in this frame.");
    const top = face && Math.max(...Object.values(face.probabilities));
    this.timeline.move(seconds, face ? `${face.label || "not sure"} ${percent(top)}` : "no face");
  }

  findFrame(seconds) {
    let [low, high] = [0, this.frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle].seconds <= seconds + 0.002) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** Follow the video as it plays or is moved. */
  watch() {
    const show = (seconds) => this.file && !this.following && this.frames.length && this.showAt(seconds);
    if (this.video.requestVideoFrameCallback) {
      const next = (_, { mediaTime }) => {
        show(mediaTime);
        this.video.requestVideoFrameCallback(next);
      };
      this.video.requestVideoFrameCallback(next);
    } else this.video.addEventListener("timeupdate", () => show(this.video.currentTime));
  }

  save() {
    const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [["frame", "seconds", "face", "label", "reason", ...this.classes]];
    for (const frame of this.frames) {
      if (!frame.faces.length) lines.push([frame.frame, frame.seconds, "", "", "no_face", ...this.classes.map(() => "")]);
      for (const face of frame.faces) {
        const shares = this.classes.map((name) => face.probabilities[name] ?? "");
        lines.push([frame.frame, frame.seconds, face.face, face.label, face.reason, ...shares]);
      }
    }
    const text = lines.map((line) => line.map((cell) => quote(String(cell))).join(",")).join("\n") + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = `${this.file.name.replace(/\.[^.]*$/, "")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

