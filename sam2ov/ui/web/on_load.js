// Runs once when Gradio has rendered the template. Gradio offers the events that are quoted here:
// "ready" "open" "close" "edit" "track" "cancel" "prepare" "use_model"
// "get_model" "add_model" "cancel_model" "save" "find" "export" "save_prompts" "open_prompts"
const root = (window.gradio_config?.root ?? ".").replace(/\/$/, "");
import(`${root}/${props.script}`)
  .then((module) => module.mount({ element, trigger, watch, props, root }))
  .catch((error) => {
    element.textContent = `The editor could not be loaded (${error.message}). Reload the page.`;
  });
