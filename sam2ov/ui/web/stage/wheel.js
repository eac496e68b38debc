// The wheel zooms at the pointer; sideways it moves the picture. A pinch on a trackpad is a wheel too.

/** @import { Stage } from "./stage.js" */

const LINE_PIXELS = 16;
const PER_PIXEL = 0.0016;
const PER_PINCHED_PIXEL = 0.01; // browsers report a pinch as small steps with Ctrl
const MOST = 200;
const REST_MS = 400;

/** @param {Stage} stage */
export function listenToWheel(stage) {
  let lastZoom = -Infinity;
  stage.element.addEventListener(
    "wheel",
    (/** @type {WheelEvent} */ event) => {
      if (!stage.clip) return;
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
      const [x, y] = [event.deltaX * unit, event.deltaY * unit];
      // At the whole picture the wheel scrolls the page, unless it has just arrived there.
      const isResting = event.timeStamp - lastZoom > REST_MS;
      if (stage.viewport.isFit && y >= 0 && !event.ctrlKey && isResting) return;
      event.preventDefault();
      if (Math.abs(x) > Math.abs(y)) return void stage.panBy(-x, 0);
      lastZoom = event.timeStamp;
      const pixels = Math.min(Math.max(y, -MOST), MOST);
      const speed = event.ctrlKey && Math.abs(y) < 50 ? PER_PINCHED_PIXEL : PER_PIXEL;
      stage.zoomBy(Math.exp(-pixels * speed), stage.stagePoint(event));
    },
    { passive: false },
  );
}
