"""Where the folders lie that travel with the code without being packages of their own."""

from pathlib import Path


def bundled_dir(name: str) -> Path:
    """The folder `templates` or `migrations`, wherever this copy of hailong keeps it.

    In a wheel the folder lies inside `survey`, in a checkout beside it. Nothing else is looked at, and the working
    directory never matters.
    """
    package = Path(__file__).resolve().parent
    for place in (package / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"the folder {name} lies neither in {package} nor beside it: the installation is incomplete"
    )
