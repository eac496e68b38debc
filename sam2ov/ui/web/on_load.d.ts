// What Gradio gives to on_load.js, which is the body of a function and no module.

declare const element: HTMLElement;
declare const trigger: import("./main.js").Mount["trigger"];
declare const watch: import("./main.js").Mount["watch"];
declare const props: import("./main.js").Mount["props"];

interface Window {
  gradio_config?: { root?: string };
}
