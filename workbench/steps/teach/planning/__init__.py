"""What a training will be made of, before it starts: its queries and candidates, its settings, its memory and time."""
