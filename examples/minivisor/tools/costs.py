#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints what actions cost, as a table, and fails when a function does not cost a constant.

    costs.py FILE    lines {functions, action, CPUs, instructions stopped, instructions in all}
"""
import sys

TOLERANCE = 0.05  # of the cost of a function, between few and many


def slope(costs, few, many):
    return (costs[many] - costs[few]) / (many - few)


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        rows = [line.split() for line in file]
    measured = {(action, int(cpus), int(count)): (int(window), int(whole))
                for count, action, cpus, window, whole in rows}
    actions = ["apply", "revert"]
    cpus = sorted({key[1] for key in measured})
    counts = sorted({key[2] for key in measured})
    failed = len(measured) != len(actions) * len(cpus) * len(counts) or not measured
    for column, title in enumerate(["all CPUs stand still", "from the request to its end"]):
        print(f"Instructions, {title}:\n")
        print("| action | CPUs | " + " | ".join(f"{n} functions" for n in counts) +
              " | a function |")
        print("|---" * (len(counts) + 3) + "|")
        for action in actions:
            for n in cpus:
                costs = {count: measured[action, n, count][column] for count in counts}
                each = slope(costs, counts[-2], counts[-1])
                print(f"| {action} | {n} | " +
                      " | ".join(f"{costs[count]:,}" for count in counts) + f" | {each:.1f} |")
                few = slope(costs, counts[0], counts[-2])
                if column == 0 and (each <= 0 or abs(few - each) > TOLERANCE * each):
                    print(f"\nA function costs {few:.1f} among few and {each:.1f} among many.")
                    failed = True
        print()
    sys.exit(1 if failed else 0)


main()
