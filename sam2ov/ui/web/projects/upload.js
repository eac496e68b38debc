// Sends a file to the server; large ones need a progress bar and a way back.

import { explainAnswer } from "../answers.js";

export class Upload {
  /**
   * @param {string} url
   * @param {File} file
   * @param {() => void} changed hears of progress
   * @param {(error: string | null) => void} done comes once: null, "" when aborted, or a message
   */
  constructor(url, file, changed, done) {
    this.name = file.name;
    this.share = 0;
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("PUT", `${url}?name=${encodeURIComponent(file.name)}`);
    request.upload.addEventListener("progress", (event) => {
      this.share = event.total ? event.loaded / event.total : 1;
      changed();
    });
    request.addEventListener("load", () => done(request.status === 201 ? null : explain(request)));
    request.addEventListener("error", () => done(UNREACHABLE));
    request.addEventListener("abort", () => done(""));
    request.send(file);
  }

  abort() {
    this.request.abort();
  }
}

const UNREACHABLE =
  "The upload failed: the server cannot be reached. Check that it is running and try again.";

/** @param {XMLHttpRequest} request */
function explain(request) {
  const { status, responseText } = request;
  if (status === 404) return "The server has forgotten this page after a long pause. Reload it.";
  return explainAnswer(status, request.getResponseHeader("Content-Type"), responseText);
}
