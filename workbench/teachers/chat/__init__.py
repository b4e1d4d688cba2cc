"""Language models that write: prompts in, replies out, whether the model is on this machine or behind a server."""
