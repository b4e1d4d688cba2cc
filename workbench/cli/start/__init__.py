"""Commands that start something: demo, serve, lab, jobs."""
