"""Every word a model reads: templates in files, the one renderer, and the parser beside it."""
