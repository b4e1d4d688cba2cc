"""Commands that bring data in and out: ingest, info, settings, export, snapshot."""
