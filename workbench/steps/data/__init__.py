"""Steps that bring data in and out: ingest, export."""
