/* The webcam: one picture at a time goes to the model, and none waits. */

import { Refused, askPicture } from "./api.js";

const LONGEST = 640;
const QUALITY = 0.9;
const RATE_OVER = 10;

const PROBLEMS = {
  NotAllowedError: ["The browser does not give the page the webcam.", "Allow it beside the address, and try again."],
  NotFoundError: ["There is no webcam.", "Connect one, or choose a file."],
  NotReadableError: ["The webcam is in use elsewhere.", "Close the other program, and try again."],
};

/** Open the webcam; rejects with a Refused that says what is wrong. */
export async function openWebcam() {
  if (!navigator.mediaDevices) {
    throw new Refused({
      reason: "insecure",
      message: "Browsers give a page the webcam only on this machine.",
      hint: "Open the page at 127.0.0.1, where mien serve runs.",
    });
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { width: { ideal: LONGEST }, facingMode: "user" },
    });
  } catch (error) {
    const [message, hint] = PROBLEMS[error.name] ?? ["The webcam cannot be opened.", error.message];
    throw new Refused({ reason: "webcam", message, hint });
  }
}

/**
 * Send the stream's pictures until the signal aborts.
 * `onPicture(canvas)` is called with the first one, `onAnswer(canvas, answer, rate)` with each
 * that is answered.
 */
export async function watchWebcam(stream, signal, { onPicture, onAnswer }) {
  const video = document.createElement("video");
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  const track = stream.getVideoTracks()[0];
  const stop = () => stream.getTracks().forEach((each) => each.stop());
  signal.addEventListener("abort", stop);
  try {
    await video.play();
    const canvas = document.createElement("canvas");
    const times = [];
    while (!signal.aborted) {
      if (track.readyState === "ended") {
        throw new Refused({ reason: "webcam", message: "The webcam is gone.", hint: "Connect it, and start again." });
      }
      drawSmall(video, canvas);
      if (!times.length) onPicture(canvas);
      const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
      const answer = await askUntilFree(picture, signal);
      times.push(performance.now());
      if (times.length > RATE_OVER) times.shift();
      onAnswer(canvas, answer, (1000 * (times.length - 1)) / (times.at(-1) - times[0]));
      await nextPicture(video, signal);
    }
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
    video.srcObject = null;
  }
}

function drawSmall(video, canvas) {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
}

async function askUntilFree(picture, signal) {
  for (;;) {
    try {
      return await askPicture(picture, signal);
    } catch (error) {
      if (error.reason !== "busy") throw error;
      await new Promise((done) => setTimeout(done, 1000));
      signal.throwIfAborted();
    }
  }
}

/** Wait for the webcam's next picture; a hidden page waits until it is seen again. */
function nextPicture(video, signal) {
  return new Promise((done) => {
    signal.addEventListener("abort", done, { once: true });
    const next = () => (document.hidden ? document.addEventListener("visibilitychange", next, { once: true }) : done());
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  });
}
