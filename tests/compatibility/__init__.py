"""docs/compatibility.md, from what the comparison tests compared.

A test that runs lines with docker and with ours takes the fixture `compared` and says `compared(words, his)` for every
line whose exit code and normalised output were equal (`his`: docker's CompletedProcess); then `pytest THAT_TEST
--write` and `pytest tests/compatibility --write`, and commit evidence.json and docs/compatibility.md.
"""
