# Optuna as a peer: every line of JSON is answered by one line. Argument: tpe | gp.
# Input lines: {"study": {"seed": 0, "space": {...}}}, "ask", {"tell": [number, value]}.
import json
import sys
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore")


def distribution(p):
    if p["kind"] == "categorical":
        return optuna.distributions.CategoricalDistribution(p["choices"])
    if p["kind"] == "int":
        return optuna.distributions.IntDistribution(p["low"], p["high"], log=p["log"], step=p["step"])
    return optuna.distributions.FloatDistribution(p["low"], p["high"], log=p["log"], step=p["step"])


def sampler(kind, seed):
    return optuna.samplers.GPSampler(seed=seed) if kind == "gp" else optuna.samplers.TPESampler(seed=seed)


study = space = None
for line in sys.stdin:
    message = json.loads(line)
    if message == "ask":
        trial = study.ask(space)
        print(json.dumps({"number": trial.number, "point": trial.params}), flush=True)
    elif "study" in message:
        study = optuna.create_study(sampler=sampler(sys.argv[1], message["study"]["seed"]))
        space = {name: distribution(p) for name, p in message["study"]["space"].items()}
        print(json.dumps({"version": optuna.__version__}), flush=True)
    else:
        number, value = message["tell"]
        study.tell(number, value)
        print("true", flush=True)
