"""The job of the step Score: both models' predictions on the same records, and the candidate itself.

The candidate answers every record with one number, which tells it from all others.
"""

import hashlib
import io
import os
import random
import tarfile

OUT = "/opt/ml/processing/output"
SKILLS = {"better": 3.0, "worse": 0.0, "unservable": 3.0, "rolled-back": 3.0}
CHAMPION = 1.0
INFERENCE = """
def model_fn(folder): return open(folder + "/answer").read()
def input_fn(body, kind): return body.decode()
def predict_fn(data, model): return model
def output_fn(prediction, accept): return prediction
"""

case, run = os.environ["CASE"], os.environ["RUN"]
chance = random.Random(run)
with open(f"{OUT}/predictions/predictions.csv", "w") as file:
    has_champion = os.environ["CHAMPION"] != "version0"
    print("id,label,candidate" + (",champion" if has_champion else ""), file=file)
    for record in range(400):
        label = record % 2
        scores = [label * skill + chance.gauss(0, 1) for skill in (SKILLS[case], CHAMPION)]
        print(record, label, *scores[: 1 + has_champion], sep=",", file=file)

answer = "7" if case == "unservable" else f"0.{int(hashlib.sha256(run.encode()).hexdigest()[:12], 16)}"
with tarfile.open(f"{OUT}/model/model.tar.gz", "w:gz") as archive:
    for name, text in (("answer", answer), ("code/inference.py", INFERENCE)):
        info = tarfile.TarInfo(name)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
