/* What the model says of one face: a verdict, bars, the face as the model reads it. */

const CAPTIONS = {
  aligned: "The aligned face",
  pixels: "48 × 48 pixels",
};
const SPOKEN_EVERY = 2000;
const find = (id) => document.getElementById(id);

export function percent(share) {
  const whole = Math.round(share * 100);
  if (share > 0 && whole === 0) return "< 1 %";
  return share < 1 && whole === 100 ? "> 99 %" : `${whole} %`;
}

export class Result {
  constructor(classes) {
    this.spokenAt = 0;
    this.spokenLabel = "";
    this.rows = new Map(classes.map((name) => [name, this.makeRow(name)]));
    find("bars").replaceChildren(...[...this.rows.values()].map((row) => row.item));
    this.clear();
  }

  makeRow(name) {
    const item = document.createElement("li");
    const [title, share, track, fill] = ["name", "share", "track", "fill"].map((kind) => {
      const part = document.createElement("span");
      part.className = kind;
      return part;
    });
    title.textContent = name;
    track.append(fill);
    item.append(title, share, track);
    return { item, share, fill };
  }

  clear(told = "Nothing to look at yet.") {
    find("alert").hidden = true;
    this.showNothing("–", told);
  }

  showNothing(verdict, told) {
    find("told").hidden = false;
    find("verdict").textContent = verdict;
    find("verdict").classList.add("unsure");
    find("sure").textContent = told;
    find("inputs").hidden = true;
    for (const row of this.rows.values()) this.setRow(row, null, false);
  }

  setRow(row, share, top) {
    row.share.textContent = share === null ? "" : percent(share);
    row.fill.style.transform = `scaleX(${share ?? 0})`;
    row.item.classList.toggle("top-class", top);
  }

  /** Show a face of an answer. `live` speaks seldom, for what changes many times a second. */
  show(face, { live = false } = {}) {
    find("alert").hidden = true;
    find("told").hidden = false;
    const shares = Object.entries(face.probabilities);
    if (!shares.length) {
      this.showNothing("–", "No expression could be told.");
      return;
    }
    const [top, share] = shares.reduce((best, next) => (next[1] > best[1] ? next : best));
    const unsure = face.label === "";
    find("verdict").textContent = unsure ? "Not sure" : face.label;
    find("verdict").classList.toggle("unsure", unsure);
    find("sure").textContent = unsure
      ? `Most likely ${top}, ${percent(share)}: below the model's threshold`
      : `${percent(share)} sure`;
    for (const [name, value] of shares) {
      const row = this.rows.get(name);
      if (row) this.setRow(row, value, name === top && !unsure);
    }
    if (face.inputs) this.showInputs(face.inputs);
    this.speak(unsure ? `Not sure, most likely ${top}` : face.label, share, live);
  }

  showInputs(inputs) {
    find("inputs").hidden = !inputs.length;
    const crops = find("crops");
    if (crops.children.length !== inputs.length) {
      crops.replaceChildren(...inputs.map(() => {
        const figure = document.createElement("figure");
        figure.append(document.createElement("img"), document.createElement("figcaption"));
        return figure;
      }));
    }
    inputs.forEach(({ kind, picture }, i) => {
      const [image, caption] = crops.children[i].children;
      image.src = picture;
      image.className = kind;
      image.alt = kind === "aligned" ? "The aligned face" : "The face in 48 by 48 pixels";
      caption.textContent = CAPTIONS[kind];
    });
  }

  showError(error) {
    this.showNothing("–", "");
    const [message, hint] = find("alert").children;
    message.textContent = error.message;
    hint.textContent = error.hint ?? "";
    find("alert").hidden = false;
    find("told").hidden = true;
    find("alert").scrollIntoView({ block: "nearest" });
  }

  speak(label, share, live) {
    const now = performance.now();
    if (live && (label === this.spokenLabel || now - this.spokenAt < SPOKEN_EVERY)) return;
    this.spokenLabel = label;
    this.spokenAt = now;
    find("spoken").textContent = `${label}, ${percent(share)}`;
  }
}
