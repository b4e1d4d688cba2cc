"""Steps that hand a student over: export, conversion loss, push."""
