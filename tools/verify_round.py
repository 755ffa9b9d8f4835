"""Verify an edition without the program that made it: python3 verify_round.py ARCHIVE EDITION [RESPONSES.csv]

Needs PyYAML, and PyArrow for the archive's Parquet; without it name the responses.csv that `hailong round export` made.
It checks the files' hashes, spent + unmarked = spooled + missing and spooled = sealed + rejected; computes every n and
point estimate of estimates.csv in its own arithmetic; and holds that what had to be hidden is hidden, nothing else is,
and no shown total tells a hidden criterion too closely. It does not check signatures, errors, intervals, other tables
and who dominates a total: `hailong verify` and recompute.R do. Exit 0: all agrees; 1: findings, a line each; 2: cannot.
"""

import csv
import hashlib
import json
import math
import statistics
import sys
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import yaml

DEFAULTS = {"aggregate": "persons", "suppress_below": 10, "caution_below": 30, "decimals": 1, "lonely_psu": "fail"}
DEFAULTS |= {"protection": 3, "dominance": 0.5, "unanimity": "lowest"}


def check_folder(folder, named, say):
    there = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    files = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in there.items()}
    for name in sorted({*files, *named} - {"manifest.json", "edition.json", "comments.enc"}):  # comments may be erased
        if files.get(name) != named.get(name, {}).get("sha256"):
            say(f"{folder / name}: {'added or changed' if name in files else 'gone'} since the folder was sealed")
    return files


def read_csv(file):
    with Path(file).open(encoding="utf-8-sig", newline="") as stream:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(stream)]


def weigh(rows, design, joined, numbers):
    """The weights, and of each row the stratum and the PSU; the strata of one PSU; whether anybody counted people."""
    clusters = design.get("clusters") or []
    strata = design.get("strata") or (["stratum"] if "ballot" in clusters else ["unit"])
    stratum = [tuple(row[name] or "" for name in strata) for row in rows]
    first = list({row.get("ballot") or n: n for n, row in reversed(list(enumerate(rows)))}.values())
    weights, people = [1.0] * len(rows), defaultdict(float)
    if design.get("cells"):
        columns = [name for name in ("unit", "stratum", "psu") if name in (*strata, *clusters)]
        places, cell = [columns.index(name) for name in strata], [tuple(row[c] or "" for c in columns) for row in rows]
        said, reached, stands = Counter(cell[n] for n in first), defaultdict(float), {}
        for counted in design["cells"]:
            key = tuple(str(counted[name]) for name in columns)
            home = tuple(key[place] for place in places)
            stands[key] = counted["population"] / counted.get("probability", 1)
            people[home] += stands[key]
            reached[home] += stands[key] if said[key] else 0
        weights = [stands[c] / said[c] * people[home] / reached[home] for c, home in zip(cell, stratum, strict=True)]
    elif design.get("population"):
        for name, count in design["population"].items():
            labels = dict(zip(strata, str(name).split("/") if len(strata) > 1 else [str(name)], strict=True))
            changes = joined.get(labels.get("unit"), {})
            people[tuple(changes.get(v, v) if c == "stratum" else v for c, v in labels.items())] += count
        said = Counter(stratum[n] for n in first)
        weights = [people[key] / said[key] for key in stratum]
    if design.get("household"):
        sizes = [row[design["household"]] for row in rows]
        told = [(stratum[n], float(sizes[n])) for n in first if sizes[n] is not None]
        means = {key: [size for other, size in told if other == key] for key in set(stratum)}
        means = {key: statistics.fmean(own or [size for _, size in told] or [1.0]) for key, own in means.items()}
        weights = [w * float(means[key] if s is None else s) for w, s, key in zip(weights, sizes, stratum, strict=True)]
    weights = rake(rows, first, weights, design["margins"], numbers) if design.get("margins") else weights
    psus = [(key, row[clusters[0]] if clusters else n) for n, (key, row) in enumerate(zip(stratum, rows, strict=True))]
    n_psus, n_rows = Counter(key for key, _ in set(psus)), Counter(stratum)
    alone = {key for key, n in n_psus.items() if n == 1 and not (design.get("fpc") and people[key] == n_rows[key])}
    return weights, psus, alone, bool(people)


def rake(rows, first, weights, margins, numbers):
    """Weights fitted to the margins in turn; the silent keep their share, what nobody answered goes to the others."""
    items, sums, targets = list(dict.fromkeys(margin["item"] for margin in margins)), Counter(), []
    read = {item: (lambda x: f"{float(x):g}") if item in numbers else str for item in items}
    group = [(r["unit"], *("" if r[item] is None else read[item](r[item]) for item in items)) for r in rows]
    for n in first:
        sums[group[n]] += weights[n]
    for margin in margins:
        people, inside = {str(name): count for name, count in margin["totals"].items()}, defaultdict(list)
        for key in (key for key in sums if str(margin.get("unit") or key[0]) == key[0]):
            said = key[1 + items.index(margin["item"])]
            inside[said if said in people else ""].append(key)
        held = {name: sum(sums[key] for key in keys) for name, keys in inside.items()}
        given, silent = sum(people[name] for name in held if name), held.get("", 0.0) / (sum(held.values()) or 1)
        wanted = {name: people[name] / given * (1 - silent) if name else silent for name in held if given}
        targets += [(inside[name], part * sum(people.values())) for name, part in wanted.items()]
    factors, worst = dict.fromkeys(sums, 1.0), 1.0
    while worst > 1e-11:
        worst = 0.0
        for keys, total in targets:
            ratio = total / sum(sums[key] * factors[key] for key in keys)
            worst = max(worst, abs(ratio - 1))
            factors.update((key, factors[key] * ratio) for key in keys)
    return [weight * factors[key] for weight, key in zip(weights, group, strict=True)]


def read_tree(questionnaire, profile, prefix):
    nodes, points = [], {}  # parents first, with what each takes of every item; and the points of every answer

    def visit(code, node, children):
        found = {"code": prefix + code, "leaf": node.get("item") or node.get("hard"), "hard": "hard" in node}
        found |= {"below": [], "takes": Counter(), "reversed": node.get("reversed", False)}
        nodes.append(found)
        children = [child for child in children if profile.get("hard") or "hard" not in child]
        for child in children:
            name = child.get("code") or child.get("item") or child["hard"]
            found["below"].append(visit(name, child, child.get("criteria", [])))
            share = child.get("weight", 1) / sum(other.get("weight", 1) for other in children)
            for leaf, part in found["below"][-1]["takes"].items():
                found["takes"][leaf] += part * share
        found["takes"] += Counter([found["leaf"]] if found["leaf"] else [])
        return found

    visit("index", {}, questionnaire["index"]["factors"])
    asked = {item["code"]: item for section in questionnaire["sections"] for item in section["items"]}
    for code in (node["leaf"] for node in nodes if node["leaf"] and not node["hard"]):
        options = asked[code].get("options") or questionnaire["scales"][asked[code]["scale"]]
        values = {option["code"]: float(option["value"]) for option in options if "value" in option}
        low, high, formula = min(values.values()), max(values.values()), profile["formula"]
        for answer, x in values.items() if formula != "standardised" else ():
            rescaled = x / high if formula == "mean_of_maximum" else (x - low) / (high - low)
            values[answer] = 100.0 * (x >= profile["threshold"] if formula == "share" else rescaled)
        points[code] = values
    return nodes, points


def add_up(rows, weighed, points, blocs):
    """Of every owner: respondents, PSUs, and by item answers, weights, weighted sums and a unit's largest weight."""
    chains = {unit: (unit, f"bloc:{bloc}", "all") for bloc, units in blocs.items() for unit in units}
    sums = {owner: defaultdict(Counter) | {"psus": set()} for owner in chain(("all",), *chains.values())}
    for row, weight, psu in zip(rows, *weighed[:2], strict=True):
        scores = [(item, worth[row[item]]) for item, worth in points.items() if row[item] in worth]
        for owner in chains.get(row["unit"], ("all",)):
            own, heavy = sums[owner], weight if owner == row["unit"] else 0
            own["n"][""] += 1
            own["psus"].add(psu)
            for item, score in scores:
                own["said"][item] += 1
                own["weight"][item] += weight
                own["sum"][item] += weight * score
                own["top"][item] = max(own["top"][item], heavy)
    return sums


def figures_of(nodes, sums, weighed, blocs, plan, profile, hard):
    """Of every owner and node: the value, respondents, fewest answers, the largest part, and what totals take of it."""
    is_standard, units, means, found = profile["formula"] == "standardised", list(chain(*blocs.values())), {}, {}
    alike, few, most = is_standard or plan["aggregate"] == "units", plan["suppress_below"], plan["dominance"]
    for owner, own in sums.items():
        strata = {stratum for stratum, _ in own["psus"]}
        can = len(own["psus"]) > len(strata) and strata.isdisjoint(weighed[2] if plan["lonely_psu"] == "fail" else ())
        means[owner] = {item: own["sum"][item] / own["weight"][item] for item in own["said"] if can}
        if is_standard:
            shown = [i for i, n in own["said"].items() if n >= few and own["top"][i] <= most * own["weight"][i]]
            means[owner] = {i: means[owner][i] for i in shown if i in means[owner] and own["n"][""] >= few}
            means[owner] |= {item: value for (unit, item), value in hard.items() if unit == owner}
    for members in blocs.values() if is_standard else ():
        means |= standardised(nodes, {unit: means[unit] for unit in members}, plan, profile)
    for node in nodes:
        code, leaf = node["code"], node["leaf"]
        items = set(node["takes"]) - {other["leaf"] for other in nodes if other["hard"]}
        for owner in (*units, *(owner for owner in sums if owner not in units)):
            own, value = sums[owner], None
            n, answers = own["n"][""] if items else math.inf, min((own["said"][i] for i in items), default=math.inf)
            if owner not in units and alike and units:
                parts = [found[unit, code] for unit in (units if owner == "all" else blocs[owner[5:]])]
                known = [part for part in parts if part[0] is not None]
                value = statistics.fmean(part[0] for part in known) if known else None
                n, answers = (sum(part[k] for part in (known if is_standard else parts)) for k in (1, 2))
            elif (owner in units or weighed[3] or alike) and all(item in means[owner] for item in node["takes"]):
                value = sum(part * means[owner][item] for item, part in node["takes"].items())
                value *= profile.get("points", 100) / 10 if is_standard and code == nodes[0]["code"] else 1
            taken = float(value is not None) if alike else own["weight"][leaf]
            largest = own["top"][leaf] / own["weight"][leaf] if own["weight"][leaf] else 0
            found[owner, code] = (value, n, answers, largest, taken)
    return found


def standardised(nodes, means, plan, profile):
    """Every unit of a bloc between the lowest (1) and the highest (10) of each indicator."""
    scores, earlier = {unit: {} for unit in means}, (plan.get("standardisation") or {}).get("earlier") or {}
    for node in (node for node in nodes if node["leaf"]):
        item = node["leaf"]
        ends = [own[item] for own in means.values() if item in own] + list(earlier.get(item, []))
        for unit in (unit for unit in means if item in means[unit]):
            low, high = min(ends), max(ends)
            if high - low > 1e-9 * max(1, abs(low), abs(high)):
                place = (means[unit][item] - low) / (high - low)
                scores[unit][item] = 1 + 9 * (1 - place if node["reversed"] else place)
            elif profile.get("same_extremes", "midpoint") == "midpoint":
                scores[unit][item] = 5.5
    return scores


def compare(nodes, points, found, rows, blocs, plan, is_linear, say):
    few, hidden = plan["suppress_below"], {cell for cell, row in rows.items() if row["suppressed"] == "true"}
    for node in nodes:
        code, leaf, worth = node["code"], node["leaf"], points.get(node["leaf"])
        low, high = (min(worth.values()), max(worth.values())) if worth else (0.0, 100.0)
        for owner in (owner for owner, other in found if other == code):
            (value, n, answers, part, _), row = found[owner, code], rows[owner, code]
            is_total, stated, is_hidden = owner.startswith(("bloc:", "all")), row["reason"], (owner, code) in hidden
            near = {u for b, us in blocs.items() if owner in ("all", f"bloc:{b}", *us) for u in us} - {owner}
            is_among = is_linear and any((unit, code) in hidden for unit in near)
            part = float(stated == "dominance") if is_total else part
            end = is_linear and worth and value is not None and answers < plan["caution_below"]
            end = end and (value <= low + 1e-9 or (plan["unanimity"] == "both" and value >= high - 1e-9))
            reason = "dominance" if part > plan["dominance"] else "answers_alike" if end else ""
            reason = "too_few_respondents" if n < few else "too_few_answers" if answers < few else reason
            reason, below = reason if min(n, answers) else "", any((owner, o["code"]) in hidden for o in node["below"])
            may_be = below or (stated == "complementary" and is_among)
            if not is_hidden and min(n, answers) and (reason or below):
                say(f"{owner} {code}: shown, expected hidden: {reason or 'a node below it is'}")
            elif is_hidden and (stated != reason if reason else not may_be):
                say(f"{owner} {code}: hidden for {stated}, expected {reason or 'shown'}")
            count = answers if leaf else n
            if row["n"] != (str(count) if few <= count < math.inf else None):
                say(f"{owner} {code}: n is {row['n']}, computed {count}")
            if is_total and is_among and value is not None:
                value = round(value, plan["decimals"])  # over hidden units totals have the digits of pages
            value, figure = None if is_hidden else value, None if row["estimate"] is None else float(row["estimate"])
            if figure != value and (None in (figure, value) or not math.isclose(figure, value, rel_tol=1e-9)):
                say(f"{owner} {code}: estimate is {figure}, computed {value}")
        if is_linear:
            check_totals(code, leaf, (low, high), found, rows, blocs, plan, say)


def check_totals(code, leaf, ends, found, rows, blocs, plan, say):
    """A shown total holds no hidden unit, or two of some size; of a criterion none dominant, none told closely."""
    (low, high), uncovered = ends, []
    for total, members in [*((f"bloc:{bloc}", units) for bloc, units in blocs.items()), ("all", [])]:
        parts = [found[unit, code] for unit in members if rows[unit, code]["suppressed"] == "true"]
        parts = uncovered if total == "all" else [part for part in parts if min(part[1:3]) and (part[4] or not leaf)]
        known, widths = [part for part in parts if leaf and part[0] is not None], []
        mass, whole = sum(part[0] * part[4] for part in known), sum(part[4] for part in known)
        for part in known:
            top = min(high, (mass - (whole - part[4]) * low) / part[4])
            widths.append(top - max(low, (mass - (whole - part[4]) * high) / part[4]))
        heaviest = max((part[3] * part[4] for part in parts if leaf), default=0)
        is_close = min(widths, default=high) < (high - low) * plan["protection"] / 100 - 1e-9
        is_close |= heaviest > plan["dominance"] * sum(part[4] for part in parts)
        if rows[total, code]["estimate"] is None:
            uncovered = uncovered + parts
        elif parts and (len(parts) < 2 or sum(min(p[1:3]) for p in parts) < plan["suppress_below"] or is_close):
            say(f"{total} {code}: shown, though it tells of what is hidden in it")


def verify(archive, edition, responses=None, *, say):
    sealed, published = (json.loads(file.read_text()) for file in (archive / "manifest.json", edition / "edition.json"))
    files = [check_folder(archive, sealed["files"], say), check_folder(edition, published["files"], say)]
    if published["archive"]["manifest_sha256"] != files[0]["manifest.json"]:
        say("edition.json: names another archive")
    texts = {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in archive.glob("*.yaml")}
    plan = DEFAULTS | texts["plan"] | (texts["plan"].get("disclosure") or {})
    if {"nonresponse", "trim"} & set(texts["design"]) or published["disclosure"]["rules"] != 2:
        raise ValueError("the design or the edition does what this file does not know; use recompute.R")
    if responses is None:
        import pyarrow.parquet
    rows = read_csv(responses) if responses else pyarrow.parquet.read_table(archive / "responses.parquet").to_pylist()
    counts, n_ballots = Counter(sealed["counts"]), len({row.get("ballot") or n for n, row in enumerate(rows)})
    kept, used = counts["sealed"], counts["spent"] + counts["unmarked"] - counts["missing"]
    if {used, kept + sum(counts["rejected"].values())} != {counts["spooled"]} or kept != n_ballots:
        say(f"manifest.json: {n_ballots} ballots in the archive, and counted {dict(counts)}")
    rows, blocs = [row for row in rows if row["channel"] != "open_link"], defaultdict(list)
    for unit in read_csv(archive / "units.csv"):
        blocs[unit["bloc_code"]].append(unit["code"])
    stated = {(row["unit"], row["node"]): row for row in read_csv(edition / "estimates.csv")}
    stated = defaultdict(lambda: dict.fromkeys(("estimate", "n", "reason", "suppressed")), stated)
    hard = [row for name in files[1] if name == "hard.csv" for row in read_csv(edition / name) if row["value"]]
    hard = {(row["unit"], row["indicator"]): float(row["value"]) for row in hard}
    numbers = {i["code"] for part in texts["questionnaire"]["sections"] for i in part["items"] if i["kind"] == "number"}
    for name in ("", *(module["name"] for module in sealed["modules"])):
        asked = texts[f"module-{name}" if name else "questionnaire"]
        chosen = (not name and plan.get("profile")) or asked["default_profile"]
        profile = next(profile for profile in asked["profiles"] if profile["name"] == chosen)
        if name and rows and "ballot" in rows[0]:  # nobody knows of which unit a module speaks: all ballots together
            rows, blocs = list({row["ballot"]: row for row in reversed(rows)}.values()), {}
        nodes, points = read_tree(asked, profile, f"{name}." if name else "")
        weighed = weigh(rows, texts["design"], sealed["coarsening"].get("strata") or {}, numbers)
        found = figures_of(nodes, add_up(rows, weighed, points, blocs), weighed, blocs, plan, profile, hard)
        compare(nodes, points, found, stated, blocs, plan, profile["formula"] != "standardised", say)
        stated = defaultdict(stated.default_factory, {cell: stated[cell] for cell in set(stated) - set(found)})
    for owner, code in stated:
        say(f"{owner} {code}: a row that the archive does not know")


if __name__ == "__main__":
    found = []
    try:
        verify(*map(Path, sys.argv[1:]), say=found.append)
    except (ImportError, LookupError, OSError, TypeError, ValueError) as problem:
        sys.exit(sys.stderr.write(f"cannot verify: {problem!r}\n") and 2)
    sys.exit(sys.stdout.write("\n".join(found or ["all agrees"]) + "\n") and bool(found))
