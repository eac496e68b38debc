"""Plain data, and what is computed from it alone: masks, prompts, timelines, colours."""
