/* The page: what is open (nothing, a picture, the webcam, a clip), and how it is opened. */

import { Refused, askModel, askPicture } from "./api.js";
import { ClipView } from "./clip.js";
import { Overlay, drawWelcome } from "./overlay.js";
import { Result } from "./result.js";
import { openWebcam, watchWebcam } from "./webcam.js";

const find = (id) => document.getElementById(id);
const LONGEST = 1600;
const CLIP_NAME = /\.(3gp|avi|flv|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|ogv|ts|webm|wmv)$/i;

let model, overlay, result, clip;
let current = new AbortController();

function busy(told) {
  find("busy").hidden = told === null;
  find("busy-text").textContent = told ?? "";
}

/** End what is open, and give a signal for what comes next. */
function begin(state) {
  current.abort();
  current = new AbortController();
  const entering = find("stage").dataset.state === "empty" && state === "media";
  const focused = document.activeElement?.closest(".welcome, .tools, .timeline") || document.activeElement === document.body;
  clip.close();
  find("still").hidden = true;
  find("rate").textContent = "";
  find("frame").classList.remove("mirrored");
  overlay.show([]);
  busy(null);
  find("stage").dataset.state = state;
  find("tools").hidden = state === "empty";
  if (state === "empty") result.clear();
  else result.clear("Looking …");
  if (focused && entering) find("again").focus({ preventScroll: true });
  if (focused && state === "empty") find("choose").focus({ preventScroll: true });
  return current.signal;
}

/** Run what opens something; tell its failure, unless something else was opened meanwhile. */
async function attempt(signal, work) {
  try {
    await work();
  } catch (error) {
    if (signal.aborted) return;
    current.abort();
    busy(null);
    if (!(error instanceof Refused)) console.error(error);
    const told = error instanceof Refused ? error : { message: "This went wrong.", hint: String(error) };
    if (find("still").hidden && find("video").hidden) begin("empty");
    overlay.show([]);
    result.showError(told);
  }
}

function openFile(file) {
  if (!file) return;
  const isClip = file.type.startsWith("video/") || CLIP_NAME.test(file.name ?? "");
  const limit = model.limits[isClip ? "clip_bytes" : "picture_bytes"];
  const signal = begin("media");
  attempt(signal, async () => {
    if (file.size > limit) {
      throw new Refused({
        reason: "too_large",
        message: `The file is larger than ${limit >> 20} MB.`,
        hint: "Choose a smaller one.",
      });
    }
    await (isClip ? openClip : openPicture)(file, signal);
  });
}

/** Give the frame the proportions of what it shows. */
function setSize(width, height) {
  find("frame").style.setProperty("--wide", width);
  find("frame").style.setProperty("--high", height);
}

function drawStill(source, width, height) {
  setSize(width, height);
  const still = find("still");
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  still.width = Math.max(1, Math.round(width * scale));
  still.height = Math.max(1, Math.round(height * scale));
  if (source) still.getContext("2d").drawImage(source, 0, 0, still.width, still.height);
  still.hidden = false;
  overlay.draw();
}

async function openPicture(file, signal) {
  busy("Looking for a face …");
  const answering = askPicture(file, signal);
  answering.catch(() => {});
  const bitmap = await createImageBitmap(file).catch(() => null);
  signal.throwIfAborted();
  if (bitmap) drawStill(bitmap, bitmap.width, bitmap.height);
  bitmap?.close();
  const answer = await answering;
  signal.throwIfAborted();
  busy(null);
  if (!bitmap) drawStill(null, answer.width, answer.height);
  showAnswer(answer);
}

function showAnswer(answer, options) {
  overlay.show(answer.faces);
  if (answer.faces.length) result.show(answer.faces[0], options);
  else if (options?.live) result.showNothing("–", "No face to be seen.");
  else result.showError({ message: "No face was found.", hint: "Try a picture in which a face is larger, or better lit." });
}

async function openCamera() {
  const signal = begin("media");
  await attempt(signal, async () => {
    busy("Opening the webcam …");
    const stream = await openWebcam();
    if (signal.aborted) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    find("frame").classList.add("mirrored");
    await watchWebcam(stream, signal, {
      onPicture: (canvas) => {
        busy(null);
        drawStill(canvas, canvas.width, canvas.height);
      },
      onAnswer: (canvas, answer, rate) => {
        if (signal.aborted) return;
        drawStill(canvas, canvas.width, canvas.height);
        showAnswer(answer, { live: true });
        if (Number.isFinite(rate)) find("rate").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} pictures a second`;
      },
    });
  });
}

async function openClip(file, signal) {
  busy("Reading the clip …");
  await clip.open(file, signal, {
    onSize: ({ width, height }, playable) => (playable ? setSize(width, height) : drawStill(null, width, height)),
    onTold: (told) => (find("rate").textContent = told),
  });
  if (!clip.playable) find("rate").textContent = "The browser cannot play this clip; its landmarks are drawn alone.";
}

function showView(name) {
  if (name === "report") {
    begin("empty");
    const frame = find("report-frame");
    if (!frame.src) frame.src = "/report";
  }
  for (const view of ["faces", "report"]) find(view).hidden = view !== name;
  for (const button of find("views").children) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
}

function listen() {
  const choose = () => find("file").click();
  find("choose").addEventListener("click", choose);
  find("again").addEventListener("click", choose);
  find("camera").addEventListener("click", openCamera);
  find("camera-again").addEventListener("click", openCamera);
  find("close").addEventListener("click", () => begin("empty"));
  find("file").addEventListener("change", ({ target }) => {
    openFile(target.files[0]);
    target.value = "";
  });
  find("drawing").addEventListener("change", ({ target }) => {
    overlay.style = target.value;
    overlay.draw();
  });
  find("views").addEventListener("click", ({ target }) => target.dataset.view && showView(target.dataset.view));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && find("stage").dataset.state !== "empty") begin("empty");
  });
  document.addEventListener("paste", ({ clipboardData }) => openFile(clipboardData.files[0]));
  let over = 0;
  const drag = (event, change) => {
    event.preventDefault();
    over = Math.max(0, over + change);
    find("stage").classList.toggle("over", over > 0);
  };
  document.addEventListener("dragenter", (event) => drag(event, 1));
  document.addEventListener("dragover", (event) => drag(event, 0));
  document.addEventListener("dragleave", (event) => drag(event, -1));
  document.addEventListener("drop", (event) => {
    drag(event, -over);
    openFile(event.dataTransfer.files[0]);
  });
}

function describe() {
  const trained = model.dataset ? `, fitted on ${model.rows ? `${model.rows.toLocaleString("en")} faces of ` : ""}${model.dataset}` : "";
  return `${model.model}${trained}`;
}

async function start() {
  model = await askModel();
  find("facts").textContent = describe();
  find("views").hidden = !model.report;
  drawWelcome(find("welcome-face"), model.face, model.lines);
  overlay = new Overlay(find("overlay"), model.lines);
  result = new Result(model.classes);
  clip = new ClipView(model.classes, { overlay, result, busy });
  listen();
  document.documentElement.dataset.ready = "";
}

start().catch((error) => {
  const [message, hint] = find("alert").children;
  message.textContent = error.message;
  hint.textContent = error.hint ?? "";
  find("alert").hidden = false;
});
