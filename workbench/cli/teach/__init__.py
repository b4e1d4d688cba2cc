"""Commands from candidates to students: candidates, score, train, sweep."""
