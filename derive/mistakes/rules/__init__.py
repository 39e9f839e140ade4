"""The edits of expressions, by family: each rule takes a node and yields what could have stood there instead."""
