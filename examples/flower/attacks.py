"""Twenty Flower clients learn digits, six of them hostile: six attacks against each rule.

    pip install gradsieve "flwr[simulation]" scikit-learn
    python attacks.py                       # every rule, every attack: about half an hour
    python attacks.py --rules multi-krum dnc --attacks alie --rounds 10

Each client has its own part of scikit-learn's digits, with other shares of the classes (a
Dirichlet distribution), and trains an MLP of 64-64-10 (4,810 parameters) for two epochs a
round. The hostile know everything, also what the honest send. Runs are Flower's simulation:
a server, clients and messages as they would be, in processes of this machine.

For each rule and attack: test accuracy in percent after the last round, with weights found on
sketches and with those found on whole updates; of the clients that the rule keeps by whole
updates, the share that it keeps by sketches ("alike"), and by how much the weights differ, both
in the rounds of the first run. "none" is without an attack.
"""

import argparse
import csv
import logging
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from digits import ATTACKS, CLIENTS, HOSTILE, arrays, client_app, data, first_model, logits, record, trained
from flwr.app import ConfigRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

from gradsieve import client_rules
from gradsieve.flower import RobustFedAvg


class Compared(RobustFedAvg):
    """Weights on sketches, and beside them what the rule says of whole updates."""

    def __init__(self, rule, **settings):
        super().__init__(rule, **settings)
        self.whole = RobustFedAvg(rule, **{**settings, "dim": None})

    def configure_train(self, server_round, arrays, config, grid):
        self.whole.configure_train(server_round, arrays, config, grid)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        self.whole.aggregate_train(server_round, replies)
        return super().aggregate_train(server_round, replies)

    def agreement(self):
        """Means over rounds: the share of clients kept by whole updates that sketches keep, and
        the sum of differences of weights, against the sum of weights."""
        pairs = [
            tuple(np.array(list(found.weights.values())) for found in both)
            for both in zip(self.rounds, self.whole.rounds)
        ]
        alike = np.mean([((one > 0) & (other > 0)).sum() / max((other > 0).sum(), 1) for one, other in pairs])
        return alike, np.mean([abs(one - other).sum() / max(other.sum(), 1e-300) for one, other in pairs])


def run(grid, strategy, attack, chosen):
    """Test accuracy after the rounds, in percent."""
    config = ConfigRecord({"attack": attack, "alpha": chosen.alpha})
    initial = record(first_model())
    result = strategy.start(grid, initial_arrays=initial, num_rounds=chosen.rounds, train_config=config)
    x, y = data(chosen.alpha)[0]
    _, out = logits(arrays(result.arrays), x)
    return 100 * np.mean(out.argmax(1) == y)


def rows(grid, chosen):
    """A row of the table after the other."""

    def trusted(server_round, found):
        return record(trained(arrays(found), *data(chosen.alpha)[1], server_round))

    fedavg = {"fraction_evaluate": 0.0, "min_train_nodes": CLIENTS, "min_available_nodes": CLIENTS}
    for attack in chosen.attacks:
        yield "mean", attack, run(grid, FedAvg(**fedavg), attack, chosen)
        for rule in chosen.rules:
            settings = {"seed": chosen.seed, "dim": chosen.dim, **fedavg}
            if rule in ("krum", "multi-krum", "dnc"):
                settings["hostile"] = HOSTILE
            if rule == "fltrust":
                settings["server_update"] = trusted
            both = Compared(rule, **settings)
            sketched = run(grid, both, attack, chosen)
            whole = run(grid, RobustFedAvg(rule, **{**settings, "dim": None}), attack, chosen)
            yield rule, attack, sketched, whole, *both.agreement()


def write(chosen, found):
    """Writes what was found so far: a line a rule, a column an attack."""

    def table(file, cell):
        if file:
            with open(file, "w", newline="") as lines:
                lines = csv.writer(lines, lineterminator="\n")
                lines.writerow(["rule", *chosen.attacks])
                for rule in dict.fromkeys(row[0] for row in found):
                    cells = {row[1]: cell(row) for row in found if row[0] == rule}
                    lines.writerow([rule, *(cells.get(attack, "") for attack in chosen.attacks)])

    table(chosen.csv, lambda row: " / ".join(f"{number:.1f}" for number in row[2:4]))
    alike = lambda row: "" if row[0] == "mean" else f"{100 * row[4]:.0f}; {100 * row[5]:.0f}"
    table(chosen.agreement, alike)


def main():
    # Bulyan wants 4f + 3 clients, which are 27 here.
    rules = [rule for rule in client_rules() if rule != "bulyan"]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", nargs="+", choices=rules, default=rules, help="all that suit 20 clients")
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, default=ATTACKS, help="all")
    parser.add_argument("--rounds", type=int, default=20, help="20")
    parser.add_argument("--dim", type=int, default=512, help="numbers of a sketch: 512")
    parser.add_argument("--alpha", type=float, default=1.0, help="how alike clients are: 1")
    parser.add_argument("--seed", type=int, default=0, help="of the sketches: 0")
    parser.add_argument("--csv", metavar="FILE", help="for accuracies: on sketches / on whole updates")
    parser.add_argument("--agreement", metavar="FILE", help="for agreement: clients; weights, in percent")
    chosen = parser.parse_args()
    logging.getLogger("flwr").setLevel(logging.ERROR)

    server_app = ServerApp()

    @server_app.main()
    def main(grid, context):
        began = time.monotonic()
        print(f"{'rule':16} {'attack':14} {'sketched':>8} {'whole':>8} {'alike':>8} {'differ':>8}")
        found = []
        for rule, attack, *numbers in rows(grid, chosen):
            found.append((rule, attack, *numbers))
            places = (2, 2, 2, 3)
            cells = (f"{number:8.{count}f}" for number, count in zip(numbers, places))
            print(f"{rule:16} {attack:14}", *cells, flush=True)
            write(chosen, found)
        print(f"{time.monotonic() - began:.0f} seconds", file=sys.stderr)

    backend = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}}
    run_simulation(server_app, client_app, num_supernodes=CLIENTS, backend_config=backend)


if __name__ == "__main__":
    main()
