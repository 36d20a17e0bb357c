"""Live pictures of what containers use, and the same standing still.

series.py    the last minute of each container, as points
sampler.py   a thread that takes points while somebody looks, and is told of starts and ends
picture.py   the picture as SVG in text/html, for whoever opens the notebook later
live.py      the widget; imported when the first one is shown
view.js      how a browser draws it
"""
