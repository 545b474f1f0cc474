"""The rules, one file each. The file's name in kebab-case is the rule's id, its docstring the rule's manual."""
