"""Where tokens come from: the in-process engine, OpenAI-compatible endpoints, and the scripted fake."""
