"""The committed bundle of the 3D view is what its sources build, and Dash can serve it."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from viewer.component import twin_view

COMPONENT = Path(twin_view.__file__).parents[1]
BUNDLE = COMPONENT / "twin_view" / "twin_view.min.js"
HASHED = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"]
GZIP_LIMIT = 200_000  # bytes of the first chunk: the budget of the page


def hash_of_sources() -> str:
    sources = [f"src/{path.name}" for path in (COMPONENT / "src").glob("*.ts")]
    sha = hashlib.sha256()
    for name in sorted(HASHED + sources):
        sha.update(f"{name}\n".encode())
        sha.update((COMPONENT / name).read_bytes())
    return sha.hexdigest()


def test_build_hash_is_that_of_the_sources() -> None:
    assert hash_of_sources() == twin_view.BUILD, "sources changed since the bundle was built: run `npm run build`"


def test_bundle_carries_the_build_hash_exactly_once() -> None:
    assert BUNDLE.read_text(encoding="utf-8").count(twin_view.BUILD) == 1


def test_bundle_fits_the_budget_of_the_page() -> None:
    assert len(gzip.compress(BUNDLE.read_bytes(), mtime=0)) <= GZIP_LIMIT


def test_bundle_and_lock_file_name_no_other_host() -> None:
    lock = (COMPONENT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    hosts = set(re.findall(r"https?://([\w.-]+)", BUNDLE.read_text(encoding="utf-8")))
    # XML namespaces and the addresses of three.js's own messages; none of them is ever fetched.
    assert hosts <= {"www.w3.org", "threejs.org", "github.com"}


def test_notice_has_the_licence_of_every_bundled_package() -> None:
    notice = (COMPONENT / "NOTICE").read_text(encoding="utf-8")
    lock = json.loads((COMPONENT / "package-lock.json").read_text(encoding="utf-8"))
    assert f"three.js {lock['packages']['node_modules/three']['version']}" in notice
    assert "Permission is hereby granted, free of charge" in notice


def test_every_property_of_the_component_is_declared_on_both_sides() -> None:
    source = (COMPONENT / "src" / "component.ts").read_text(encoding="utf-8")
    declared = re.search(r"propTypes = \{(.*?)\}", source, re.DOTALL)
    assert declared is not None
    names = set(re.findall(r"(\w+): any", declared.group(1))) - {"setProps"}
    assert names == set(twin_view.TwinView("view")._prop_names)


def test_properties_reach_the_page_under_the_namespace_the_bundle_registers() -> None:
    view = twin_view.TwinView("view", scene="/scene.json", layers={"water": {"opacity": 0.5}}, selected=0)
    sent = view.to_plotly_json()  # type: ignore[no-untyped-call]  # not annotated by Dash
    assert sent["props"] == {"id": "view", "scene": "/scene.json", "layers": {"water": {"opacity": 0.5}}, "selected": 0}
    assert f'"{sent["namespace"]}"' in BUNDLE.read_text(encoding="utf-8")


def test_rebuilding_gives_the_committed_bytes(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the bundle cannot be rebuilt here")
    if not (COMPONENT / "node_modules" / "esbuild").is_dir():
        pytest.skip("viewer/component/node_modules is missing: run `npm ci` there to rebuild the bundle")
    subprocess.run([node, "build.mjs", "--out", str(tmp_path)], cwd=COMPONENT, check=True, timeout=120)
    for name in ("twin_view.min.js", "build.json"):
        assert (tmp_path / name).read_bytes() == (BUNDLE.parent / name).read_bytes(), f"{name} is stale"
