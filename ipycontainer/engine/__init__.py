"""Floor 5, the door: Engine, Container, Image.  Everything above talks to these and to nothing below."""
