"""Steps that compare students: evaluate, diff, leaderboard, agreement."""
