# The scenario of scenario.ts, by the official client: mode, run id, and the file to save.
import math
import sys

import wandb

mode, run_id, path = sys.argv[1:]
settings = wandb.Settings(
    console="off",
    disable_git=True,
    save_code=False,
    x_disable_stats=True,
    x_disable_meta=True,
    x_save_requirements=False,
)
run = wandb.init(
    project="oracle",
    entity="ada",
    id=run_id,
    name="first",
    notes="two lines\nof notes",
    tags=["a", "b c"],
    group="g",
    job_type="train",
    mode=mode,
    config={"lr": 0.1, "deep": {"x": [1, None, "é🧶"]}, "flag": True},
    settings=settings,
)
run.define_metric("epoch")
run.define_metric("val/loss", step_metric="epoch")
run.log({"loss": 1, "val/loss": 0.5, "epoch": 1, "text": "é🧶"})
run.log({"nested": {"x": 1, "y": {"z": "deep"}}, "list": [1, 2]})
run.log({"nan": math.nan, "up": math.inf, "down": -math.inf})
run.log({"a": 1}, step=10)
run.log({"b": 2}, step=10)
run.log({"c": 3}, step=11)
run.log({"nested": {"y": {"w": 2}}})
run.log({"val/loss": 0.25})
run.log({"loss": None, "nested": {"y": {"w": None}}})
run.config.update({"batch": 8})
run.summary["best"] = 0.25
run.save(path, policy="now", base_path=path.rsplit("/", 1)[0])
artifact = wandb.Artifact("data", type="dataset", metadata={"rows": 2})
artifact.add_file(path, name="inside/file.txt")
artifact.add_reference("https://example.com/x", name="ref-x", checksum=False)
run.log_artifact(artifact)
run.finish(exit_code=3)
