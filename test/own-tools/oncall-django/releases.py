"""Which migrations a release ships: a folder for each release that brings any, with those of the releases before it."""
import os
from pathlib import Path

folders = {
    "1.2.40": ["1.2.40"],
    "1.3.10": ["1.2.40", "1.3.10"],
    "1.3.11": ["1.2.40", "1.3.10", "1.3.11"],
    "1.3.115": ["1.2.40", "1.3.10", "1.3.11", "1.3.115"],
    "1.3.116": ["1.2.40", "1.3.10", "1.3.11", "1.3.115", "1.3.116"],
}
folders["1.4.x"] = folders["1.8.5"] = folders["1.3.116"]
# Of two migrations of one name the first found counts.
folders["1.8.5 mended"] = ["1.8.5-mended", *folders["1.8.5"]]


def shipped(package):
    """The folders in which Python is to look for the modules of an app's migrations."""
    return [str(Path(package).parent / folder) for folder in folders[os.environ["RELEASE"]]]
