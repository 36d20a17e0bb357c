"""Names for containers that were given none: docker's pattern, an adjective and somebody who is remembered."""

from __future__ import annotations

import os

ADJECTIVES = (
    "able amber brave bright brisk calm candid careful cheerful clear clever cosy curious daring deft eager early "
    "earnest fair fearless fine fond frank free fresh gentle glad golden grand happy hardy hearty honest hopeful jolly "
    "keen kind lively loyal lucid lucky mellow merry mild modest neat nimble noble patient placid plucky polite proud "
    "quick quiet ready robust serene sharp silver sincere smart snug sober spry steady still sturdy sunny swift tender "
    "thrifty tidy trusty upbeat vivid warm wise witty young zesty"
).split()
PEOPLE = (
    "archimedes babbage backus bernerslee blackwell bohr boole borg carson cerf chandrasekhar church codd cray curie "
    "darwin dijkstra einstein engelbart euclid euler faraday fermat feynman franklin galileo gauss germain goldberg "
    "goodall hamilton hamming hawking hertz hilbert hoare hodgkin hopper hypatia joliot kepler knuth kovalevskaya "
    "lamarr lamport leavitt liskov lovelace mccarthy mclean meitner mendel mirzakhani napier nash newton nightingale "
    "noether pascal pasteur perlman planck ramanujan ritchie sammet shannon sutherland tesla thompson torvalds turing "
    "wing wozniak wu yalow"
).split()


_LONGEST = 255  # a name is a file's


def make_name() -> str:
    """A name at random, such as `brave_hopper`."""
    number = int.from_bytes(os.urandom(4), "little")
    return f"{ADJECTIVES[number % len(ADJECTIVES)]}_{PEOPLE[number // len(ADJECTIVES) % len(PEOPLE)]}"


def is_name(text: str) -> bool:
    """docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+"""
    allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return 2 <= len(text) <= _LONGEST and text[0] in allowed and all(letter in allowed + "_.-" for letter in text)
