"""What every test gets: time enough on a busy machine, and a learner's data folder that is not the user's."""

import pytest
from hypothesis import settings

settings.register_profile("microgpt", parent=settings(), deadline=None)  # under CI the parent draws the same every time
settings.load_profile("microgpt")


@pytest.fixture(autouse=True)
def data_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGPT_DATA_DIR", str(tmp_path_factory.mktemp("data")))
