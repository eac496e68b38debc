// Sliders whose bar begins at zero, wherever that is on them.

/**
 * Paint the bar from zero to the present value.
 *
 * @param {HTMLInputElement} slider
 */
export function paintSlider(slider) {
  const { min, max, value, style } = slider;
  const [least, most] = [Number(min), Number(max)];
  const share = (/** @type {number} */ at) => (100 * (at - least)) / (most - least || 1);
  const zero = share(Math.min(Math.max(0, least), most));
  const present = share(Number(value));
  style.setProperty("--from", `${Math.min(zero, present)}%`);
  style.setProperty("--to", `${Math.max(zero, present)}%`);
  slider.classList.toggle("s2-two-sided", least < 0 && most > 0);
}
