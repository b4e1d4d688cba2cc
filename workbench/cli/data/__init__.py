"""Commands that bring data in and out: ingest, info, export, snapshot."""
