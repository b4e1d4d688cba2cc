"""Steps from candidates to a trained student: candidates, score, plan, train, sweep."""
