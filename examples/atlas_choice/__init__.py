"""Atlas with choices: the same countries and META-AGENT, questions in the shape of ScienceQA.

    autoact learn examples/atlas_choice/task.yaml --out runs/atlas_choice

Each question has choices and a short context, which tells what would else be the first hop, or of one of the options.
The questions are made by atlas/choice.py.
"""
