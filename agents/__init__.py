"""Who speaks: the META-AGENT, and the PLAN-, TOOL- and REFLECT-AGENT it differentiates into.

Each agent says what it is asked (`ask` → messages) and how its reply is read (`read` → a typed turn). Calling
the model is left to the caller, so that one pair of functions serves sync and async alike.
"""
