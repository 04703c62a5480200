"""Imports of files by the console's own documents: from the first question to the report, over HTTP."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from backend.approvals import executing
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.permissions import Role
from backend.core.viewer import REAUTHENTICATED_FOR
from backend.imports import running
from backend.infra import db as database
from benchmarks import membership_file
from tests.support import quick_workers, staff
from tests.support.api import Api, codes
from tests.support.file_imports import members_file, prepare
from tests.support.member_scene import NOON

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
ROW = {
    "first_name": "مریم",
    "last_name": "احمدی",
    "birth_date": "1330-05-12",
    "pension_kind": "RETIREMENT",
    "state": "ACTIVE",
    "province": "IR-07",
}


@pytest.fixture(autouse=True)
def at_noon(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    del api
    prepare()
    quick_workers.start_quickly(monkeypatch)
    with clock.frozen(NOON):
        yield


async def token_of(*roles: Role) -> str:
    found = await staff.sign_in(await staff.new_operator(*roles))
    return found.issued.access_token


async def ask(api: Api, token: str, name: str, **variables: object) -> dict[str, object]:
    """What one of the console's operations answers."""
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    response = await api.ask(document, variables, authorization=f"Bearer {token}")
    assert codes(response) == [], response.text
    (answer,) = response.json()["data"].values()
    assert isinstance(answer, dict)
    return answer


def people(numbers: range) -> bytes:
    return members_file(
        ROW
        | {
            "national_code": membership_file.national_code(number),
            "pension_number": f"{20_000_000 + number}",
        }
        for number in numbers
    )


async def sent(api: Api, token: str, content: bytes) -> str:
    """The id of an import of members whose file has arrived, in the way that a console sends it."""
    given = {
        "fileName": "members.csv",
        "sizeBytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "month": "1405-09",
    }
    begun = await ask(api, token, "MemberImportBegin", input=given)
    found, path = begun["fileImport"], begun["partPath"]
    assert isinstance(found, Mapping)
    assert isinstance(path, str)
    assert (begun["partCount"], begun["missingParts"]) == (1, [0])
    response = await api.client.put(
        path.replace("{number}", "0"), content=content, headers={"authorization": f"Bearer {token}"}
    )
    assert response.status_code == 204
    return str(found["id"])


async def started(api: Api, token: str, import_id: str, *, dry_run: bool = False) -> None:
    given = {"importId": import_id, "dryRun": dry_run}
    answer = await ask(api, token, "FileImportStart", input=given)
    assert answer["__typename"] == "FileImportChanged", answer
    row = await database.fetch_one("SELECT max(id) AS id FROM file_import")
    assert row is not None
    assert import_id == GlobalId("FileImport", row["id"]).encode()
    await running.run(row["id"])


async def test_a_file_is_sent_tried_out_imported_and_reported_on(api: Api) -> None:
    token = await token_of(Role.ADMINISTRATOR)
    import_id = await sent(api, token, people(range(3)))
    await started(api, token, import_id, dry_run=True)
    tried = await ask(api, token, "FileImport", id=import_id)
    assert (tried["state"], tried["stateText"], tried["progressPercent"]) == (
        "CHECKED",
        "آزمایش شد",
        100,
    )
    await started(api, token, import_id)

    done = await ask(api, token, "FileImport", id=import_id)
    assert (done["state"], done["month"], done["startedBy"]) == ("DONE", "1405-09", "operator:1")
    assert done["counts"] == {
        "rows": 3,
        "created": 3,
        "changed": 0,
        "unchanged": 0,
        "invalid": 0,
        "warnings": None,
        "deactivated": 0,
        "stopped": 0,
        "deceased": 0,
        "phoneChanged": 0,
        "activeBefore": 0,
        "unknownUnits": 0,
        "passedOver": 0,
    }
    assert (done["problems"], done["unusual"], done["error"]) == ([], [], None)
    path = str(done["reportPath"])
    report = await api.client.get(path, headers={"authorization": f"Bearer {token}"})
    assert "SUMMARY" in report.text


async def test_an_unusual_file_shows_the_approver_what_is_decided(api: Api) -> None:
    token = await token_of(Role.ADMINISTRATOR)
    await started(api, token, await sent(api, token, people(range(10))))
    import_id = await sent(api, token, people(range(8)))
    await started(api, token, import_id)

    approver = await token_of(Role.ADMINISTRATOR)
    waiting = await ask(api, approver, "FileImport", id=import_id)
    assert waiting["state"] == "WAITING_FOR_APPROVAL"
    assert waiting["unusual"] == [
        {
            "figure": "deactivated",
            "text": "اعضای فعالی که غیرفعال می‌شوند",
            "count": 2,
            "usual": 0,
        }
    ]
    problems, approval = waiting["problems"], waiting["approval"]
    assert isinstance(problems, list)
    assert {each["code"] for each in problems} == {"VANISHES"}
    assert isinstance(approval, Mapping)
    assert approval["permission"] == "members.import_approve"
    decided = {"approvalId": approval["id"], "digest": approval["digest"]}
    await ask(api, approver, "ApprovalGrant", input=decided)
    row = await database.fetch_one("SELECT id, object_id FROM approval")
    assert row is not None
    await executing.execute(row["id"])
    await running.run(int(row["object_id"]))

    done = await ask(api, approver, "FileImport", id=import_id)
    assert (done["state"], done["acceptedBy"]) == ("DONE", "operator:2")
    page = await ask(api, approver, "FileImports", kind="MEMBERS", state="DONE", first=1)
    edges, info = page["edges"], page["pageInfo"]
    assert isinstance(edges, list)
    assert isinstance(info, Mapping)
    assert [each["node"]["id"] for each in edges] == [import_id]
    assert info["hasNextPage"] is True
    rest = await ask(
        api, approver, "FileImports", kind="MEMBERS", state="DONE", after=info["endCursor"]
    )
    assert isinstance(rest["edges"], list)
    assert [each["node"]["id"] != import_id for each in rest["edges"]] == [True]


async def test_changing_members_asks_again_who_it_is_and_cancelling_does_not(api: Api) -> None:
    token = await token_of(Role.ADMINISTRATOR)
    import_id = await sent(api, token, people(range(3)))
    with clock.frozen(NOON + REAUTHENTICATED_FOR + timedelta(seconds=1)):
        refused = await ask(
            api, token, "FileImportStart", input={"importId": import_id, "dryRun": False}
        )
        assert (refused["__typename"], refused["code"]) == (
            "ReauthenticationNeeded",
            "REAUTHENTICATION_NEEDED",
        )
        cancelled = await ask(api, token, "FileImportCancel", input={"importId": import_id})
    assert cancelled["__typename"] == "FileImportChanged"
    again = await ask(api, token, "FileImportStart", input={"importId": import_id, "dryRun": False})
    assert (again["__typename"], again["code"]) == ("ActRefused", "FILE_IMPORT_STATE_REFUSES")


async def test_what_is_described_wrong_is_told_with_its_field(api: Api) -> None:
    token = await token_of(Role.STORE_MANAGER)
    right = {"fileName": "stores.csv", "sizeBytes": 10, "sha256": "00" * 32}
    wrong = {"fileName": "\u200c", "sizeBytes": 50 * 1024**2 + 1, "sha256": "0" * 63}
    for name, value in wrong.items():
        answer = await ask(api, token, "StoreImportBegin", input=right | {name: value})
        assert (answer["code"], answer["field"]) == ("FILE_IMPORT_INVALID", [name])
    assert await database.fetch("SELECT FROM file_import") == []
