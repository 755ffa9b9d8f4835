"""What the totals of a round take of each unit, from its archive: the auditor then need not guess."""

from analysis.archive import Archive
from analysis.indices.trees import index_tree
from analysis.release.cell_weights import cell_weights
from analysis.release.edition import MODULE_SEPARATOR
from analysis.release.framing import frame_responses
from analysis.release.plan import parse_plan
from analysis.release.round_design import parse_design
from analysis.responses import BALLOT
from questionnaires.model import Questionnaire


def weights_in_totals(archive: Archive) -> dict[tuple[str, str], float]:
    """What totals take of the figures of units at criteria, by the codes of both; empty where units count alike.

    Raises PlanError or DesignError when the archive's plan or design cannot be used.
    """
    contents, host = archive.contents, archive.questionnaire
    plan = parse_plan(contents.plan_source, "plan.yaml")
    if plan.aggregate == "units" or host.index is None:
        return {}
    trees: list[tuple[Questionnaire, str, str]] = [(host, plan.profile_for(host), "")]
    if BALLOT not in contents.responses.column_names:
        # Where ballots rate several units modules speak of none, and their totals hide nothing.
        trees.extend((one, one.default_profile, one.name + MODULE_SEPARATOR) for one in host.modules)
    design = parse_design(contents.design_source, "design.yaml")
    blocs: dict[str, list[str]] = {}
    for unit in contents.units:
        blocs.setdefault(unit.bloc_code, []).append(unit.code)
    found: dict[tuple[str, str], float] = {}
    for questionnaire, profile_name, prefix in trees:
        profile = questionnaire.profile(profile_name)
        tree = index_tree(questionnaire, profile)
        framed = frame_responses(contents, questionnaire, tree, profile, design, plan)
        weights = cell_weights(framed, tree.items, blocs, counts_units_alike=False)
        for node in tree.nodes:
            if node.item is not None:
                k = tree.items.index(node.item)
                found.update({(unit, prefix + node.code): float(row[k]) for unit, row in weights.in_totals.items()})
    return found
