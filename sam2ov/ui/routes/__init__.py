"""Server routes beside Gradio's: modules, uploads, frames, masks, exports, projects."""
