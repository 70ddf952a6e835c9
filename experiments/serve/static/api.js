/* Requests to the page's own server, which holds the model. */

const TOKEN = document.querySelector('meta[name="mien-token"]').content;

/** Why something cannot be done: a reason code, a message and a hint for people. */
export class Refused extends Error {
  constructor({ reason, message, hint = "" }) {
    super(message);
    this.reason = reason;
    this.hint = hint;
  }
}

async function ask(path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: { "X-Mien-Token": TOKEN },
      credentials: "omit",
      redirect: "error",
      body,
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({
      reason: "offline",
      message: "The model does not answer.",
      hint: "Is mien serve still running in the terminal?",
    });
  }
  if (answer.ok) return answer;
  let told;
  try {
    told = await answer.json();
  } catch {
    told = { reason: "failed", message: `The answer was ${answer.status}.` };
  }
  throw new Refused(told);
}

/** Facts of the model: classes, families, limits, lines of the mesh. */
export async function askModel() {
  return (await ask("/api/model")).json();
}

/** The faces of one picture. */
export async function askPicture(picture, signal) {
  return (await ask("/api/picture", picture, signal)).json();
}

/** The frames of a clip, one after another, as they are ready. */
export async function* askClip(clip, signal) {
  const answer = await ask("/api/clip", clip, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const told = JSON.parse(line);
      if (told.error) throw new Refused(told.error);
      yield told;
    }
  }
}
