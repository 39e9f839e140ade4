"""From what stands on the page to what it means: names, axes and roles; syntax to SymPy."""
