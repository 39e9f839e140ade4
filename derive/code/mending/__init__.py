"""What a line at fault should be, as code: only an edit after which derive itself proves the line is ever shown.

Candidates are small edits of the line (`edits`), and the gradient written anew in the author's names (`written`). A
candidate is first run by the concrete interpreter beside finite differences (`trials`), which takes a millisecond; the
few that pass are checked in full (`search`).
"""
