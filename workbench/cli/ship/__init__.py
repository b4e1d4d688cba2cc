"""Commands that hand a student on: export-student, push."""
