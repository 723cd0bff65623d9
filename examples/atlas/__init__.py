"""Atlas: a small encyclopedia of real countries, questions about it, and a small META-AGENT made for it.

world.py      what a world is: things, their facts, the pages that tell them, the questions about them
atlas.py      the world of this example, from countries.tsv, and its splits, held out by country
invented.py   random worlds of several kinds, on which the seed model learned what a turn looks like
play.py       scripted play in a world, on the real tools
lessons.py    the text the seed model was trained on
pretrain.py   the script that made seed/
"""
