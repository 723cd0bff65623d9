"""The words everyone speaks: records, configuration, errors, rewards and the JSONL store."""
