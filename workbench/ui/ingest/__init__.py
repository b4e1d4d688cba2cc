"""The parts of the page Ingest."""
