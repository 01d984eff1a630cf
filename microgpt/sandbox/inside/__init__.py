"""What runs inside the sandbox: sent there as text, since nothing of ours can be read from there.

So these modules import the standard library and one another, and no more. In the order in which they need each other:
`plain`, `watch`, `landlock`, `template`, `supervisor`.
"""
