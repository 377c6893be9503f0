"""The provenance package of a run: a Workflow Run RO-Crate over the folder of its results.

It conforms to Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5), which stands on RO-Crate 1.1.
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

METADATA = "ro-crate-metadata.json"
"""Name of the file that describes the folder it lies in."""

CONFIG = "config.yaml"
"""Name of the file with the resolved configuration of the run."""

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}

MEDIA_TYPES = mimetypes.MimeTypes()
"""By suffix, as Python has them, whatever this machine adds; any other file is plain text."""

for _suffix in (".yaml", ".yml"):
    MEDIA_TYPES.add_type("application/yaml", _suffix)

ORIGIN = {
    "git_commit": "commit of the sources",
    "git_dirty": "whether the sources had changes that were not committed",
    "lock_hash": "hash of the lock file of the environment",
    "machine": "machine",
}
"""What the attributes of the results say of the whole run, in words."""


def describe(
    folder: Path,
    *,
    workflow: str,
    language: tuple[str, str],
    sources: Iterable[str],
    inputs: Mapping[str, str],
    results: Mapping[str, Mapping[str, Any]],
    citation: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of ``ro-crate-metadata.json``, as JSON types. All times are those of the results.

    Parameters
    ----------
    folder : the root of the crate. All files named below lie in it and are named relative to it.
    workflow : the file of the workflow.
    language : name and version of the workflow's language.
    sources : the other files of the program.
    inputs : what the run was given, file by name of the parameter.
    results : the attributes of every result, by file; none where the format has no room for them.
    citation : the content of CITATION.cff.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"
    origins = [attributes for attributes in results.values() if attributes]
    times = sorted(map(_computed, origins))
    recorded = {
        key: sorted({str(attributes[key]) for attributes in origins if key in attributes})
        for key in sorted({key for attributes in origins for key in attributes})
    }

    def add(name: str, **properties: str) -> File:
        return crate.add_file(dest_path=name, properties=_file(folder, name) | properties)

    main = crate.add_workflow(
        dest_path=workflow,
        properties=_file(folder, workflow) | {"version": citation["version"]},
        main=True,
        lang=language[0],
        lang_version=language[1],
    )
    main["hasPart"] = [add(name) for name in sources]
    main["softwareRequirements"] = [
        _entity(crate, f"#{name}-{version}", "SoftwareApplication", name=name, version=version)
        for key, versions in recorded.items()
        if (name := key.removesuffix("_version")) != key
        for version in versions
    ]
    given = {parameter: add(name) for parameter, name in inputs.items()}
    for parameter, file in given.items():
        file["exampleOfWork"] = _entity(
            crate, f"#{parameter}", "FormalParameter", name=parameter, additionalType="File", workExample=file
        )
    main["input"] = [file["exampleOfWork"] for file in given.values()]
    made = [
        add(name, description=attributes["title"], dateCreated=_computed(attributes).isoformat())
        if attributes
        else add(name)
        for name, attributes in results.items()
    ]
    origin = [
        _entity(crate, f"#{key}-{number}", "PropertyValue", name=key, description=text, value=value)
        for key, text in ORIGIN.items()
        for number, value in enumerate(recorded.get(key, []), start=1)
    ]
    run = _entity(
        crate,
        "#run",
        "CreateAction",
        name=f"Run of {citation['title']}",
        description="startTime is when the oldest result was computed, endTime when the newest was",
        startTime=times[0].isoformat(),
        endTime=times[-1].isoformat(),
        actionStatus="http://schema.org/CompletedActionStatus",
        instrument=main,
        object=list(given.values()),
        result=made,
        additionalProperty=origin,
    )
    crate.root_dataset["mentions"] = [run]
    _describe_root(crate, citation, times[-1])
    document: dict[str, Any] = crate.metadata.generate()
    return document


def sha256(path: Path) -> str:
    """SHA-256 of the content of ``path``, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(folder: Path, name: str) -> dict[str, str]:
    path = folder / name
    return {
        "name": name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": MEDIA_TYPES.guess_type(name)[0] or "text/plain",
        "sha256": sha256(path),
    }


def _computed(attributes: Mapping[str, Any]) -> datetime:
    """When a result was computed: the time at the start of its ``history``."""
    return datetime.fromisoformat(attributes["history"].split()[0])


def _describe_root(crate: ROCrate, citation: Mapping[str, Any], published: datetime) -> None:
    paper, licence = citation["preferred-citation"], citation["license"]
    root = crate.root_dataset
    root["name"] = f"Results of {citation['title']}"
    root["description"] = "Data, figures, verdicts and report of one run, with the program that made them"
    root["datePublished"] = published.isoformat()
    root["author"] = _authors(crate, citation["authors"])
    root["license"] = _entity(crate, f"https://spdx.org/licenses/{licence}", "CreativeWork", name=licence)
    root["conformsTo"] = [
        _entity(crate, address, "CreativeWork", name=name, version=address.rsplit("/", 1)[1])
        for address, name in PROFILES.items()
    ]
    root["citation"] = _entity(
        crate,
        paper["url"],
        "ScholarlyArticle",
        name=paper["title"],
        datePublished=str(paper["year"]),
        author=_authors(crate, paper["authors"]),
    )


def _authors(crate: ROCrate, authors: Iterable[Mapping[str, str]]) -> list[ContextEntity]:
    """People, or groups under one name, as CITATION.cff has them."""
    entities = []
    for author in authors:
        kind = "Organization" if "name" in author else "Person"
        name = author.get("name") or f"{author['given-names']} {author['family-names']}"
        entities.append(_entity(crate, f"#{name.replace(' ', '-')}", kind, name=name))
    return entities


def _entity(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))
