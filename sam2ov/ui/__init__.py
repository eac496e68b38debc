"""The Gradio app: click, track, correct and export in the browser."""
