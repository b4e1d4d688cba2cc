"""Large things in columns, of which a record is made when it is looked at: examples, passages, texts."""
