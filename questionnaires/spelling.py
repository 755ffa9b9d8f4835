"""How names, versions and codes are spelled in a questionnaire's file."""

import re

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A model with several forms has a word before the number: ddci/departments-2024.1 beside ddci/communes-2024.1.
VERSION = re.compile(r"([a-z]{1,12}-)?[0-9]{1,6}(\.[0-9]{1,6}){0,3}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")

A_CODE = "a code of a–z, 0–9 and _ that begins with a letter, at most 40 long"
